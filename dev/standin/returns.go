package standin

func (s *Server) requestReturn(r *record) error { return s.takeBack(r, "refund") }

func (s *Server) requestExchange(r *record) error { return s.takeBack(r, "exchange") }

func (s *Server) takeBack(r *record, kind string) error {
	if r.FulfillmentStatus != "fulfilled" {
		return r.refuse("return")
	}
	back := s.newReturn(r, kind, "requested")
	r.returns = append(r.returns, back)
	s.emit(r, "return.requested", back)
	return nil
}

// newReturn makes a return of the order's first line.
func (s *Server) newReturn(r *record, kind, status string) *Return {
	line, now := r.Lines[0], s.now()
	back := ReturnLine{ID: s.newID("rl"), OrderLineID: line.ID, Quantity: line.Quantity}
	if kind == "exchange" {
		back.ExchangeVariantID = &line.VariantID
	}
	return &Return{ID: s.newID("ret"), OrderID: r.ID, StoreID: s.opts.StoreID, ReturnType: kind, Status: status, Reason: new("It does not fit"),
		ReasonCategory: new("changed_mind"), Metadata: map[string]any{}, Lines: []ReturnLine{back}, CreatedAt: now, UpdatedAt: now}
}

// completeReturn completes the order's first return whose status is requested. An exchange places another order, which
// the return's exchange_order_id names.
func (s *Server) completeReturn(r *record) error {
	for _, back := range r.returns {
		if back.Status != "requested" {
			continue
		}
		if back.ReturnType == "exchange" {
			back.ExchangeOrderID = &s.placeOne(r.mode).ID
		}
		back.Status, back.UpdatedAt, back.CompletedAt = "completed", s.now(), new(s.now())
		back.ApprovedAt, back.ReceivedAt = back.CompletedAt, back.CompletedAt
		r.FulfillmentStatus = "returned"
		s.emit(r, "return.completed", back)
		s.emit(r, "order.updated", s.brief(r))
		return nil
	}
	return r.refuse("complete a return of")
}
