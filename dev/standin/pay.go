package standin

// orderWith is the data of payment events: the order, and the fields that the documents add to it.
type orderWith struct {
	*Order
	Payment *Payment       `json:"payment"`
	Error   *paymentFailed `json:"error,omitempty"`
}

type paymentFailed struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (s *Server) newPayment(r *record, amount int) *Payment {
	id := s.newID("pay")
	p := &Payment{ID: id, OrderID: r.ID, Provider: "standin_pay", ProviderID: new("ch_" + id), Amount: won(amount), Status: "pending", CreatedAt: s.now()}
	r.Payments = append(r.Payments, p)
	s.emit(r, "payment.created", p)
	return p
}

// due returns the amount that is not paid yet.
func (r *record) due() int {
	due := r.Total.Amount
	for _, p := range r.Payments {
		if p.Status == "completed" {
			due -= p.Amount.Amount
		}
	}
	return due
}

// payPart pays half of the amount due, rounded up.
func (s *Server) payPart(r *record) error {
	if !r.in("pending") {
		return r.refuse("pay a part of")
	}
	p := s.newPayment(r, (r.due()+1)/2)
	p.Status, r.PaymentStatus = "completed", "partially_paid"
	s.emit(r, "payment.completed", orderWith{Order: r.Order, Payment: p})
	s.emit(r, "order.updated", s.brief(r))
	return nil
}

// pay pays the amount due.
func (s *Server) pay(r *record) error {
	if !r.in("pending") {
		return r.refuse("pay")
	}
	p := s.newPayment(r, r.due())
	p.Status = "completed"
	r.Status, r.PaymentStatus = "confirmed", "paid"
	s.emit(r, "payment.completed", orderWith{Order: r.Order, Payment: p})
	s.emit(r, "order.paid", s.brief(r))
	s.emit(r, "order.confirmed", r.Order)
	return nil
}

func (s *Server) failPayment(r *record) error {
	if !r.in("pending") {
		return r.refuse("fail the payment of")
	}
	p := s.newPayment(r, r.due())
	p.Status = "failed"
	s.emit(r, "payment.failed", orderWith{r.Order, p, &paymentFailed{"card_declined", "The card was declined"}})
	return nil
}
