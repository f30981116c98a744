package standin

import (
	"slices"
	"strings"
)

// fulfill packs all lines that are not fulfilled yet into one parcel.
func (s *Server) fulfill(r *record) error { return s.pack(r, len(r.Lines)) }

// fulfillPart packs the first line that is not fulfilled yet into a parcel.
func (s *Server) fulfillPart(r *record) error { return s.pack(r, 1) }

func (s *Server) pack(r *record, lines int) error {
	if !r.in("confirmed", "processing") {
		return r.refuse("fulfill")
	}
	f := &Fulfillment{ID: s.newID("ful"), OrderID: r.ID, Status: "pending", CreatedAt: s.now()}
	for i := range r.Lines {
		l := &r.Lines[i]
		if left := l.Quantity - l.FulfilledQuantity; left > 0 && len(f.Lines) < lines {
			f.Lines = append(f.Lines, LineQuantity{l.ID, left})
			l.FulfilledQuantity = l.Quantity
		}
	}
	if len(f.Lines) == 0 {
		return r.refuse("fulfill")
	}
	r.Fulfillments = append(r.Fulfillments, f)
	s.emit(r, "fulfillment.created", f)
	return nil
}

// ship ships the first pending parcel. If there is none, it packs one first.
func (s *Server) ship(r *record) error {
	f := r.parcel("pending")
	if f == nil {
		if err := s.fulfill(r); err != nil {
			return err
		}
		f = r.parcel("pending")
	}
	number := "EX" + strings.ToUpper(f.ID[len(f.ID)-3:])
	f.Status, f.ShippedAt, f.Carrier = "shipped", new(s.now()), new("Example Post")
	f.TrackingNumber, f.TrackingURL = &number, new("https://post.example.com/"+number)
	r.FulfillmentStatus = "fulfilled"
	if r.parcel("pending") != nil || slices.ContainsFunc(r.Lines, func(l Line) bool { return l.FulfilledQuantity < l.Quantity }) {
		r.FulfillmentStatus = "partially_fulfilled"
	}
	s.emit(r, "fulfillment.shipped", f)
	if r.FulfillmentStatus == "fulfilled" {
		s.emit(r, "order.fulfilled", s.brief(r))
	} else {
		s.emit(r, "order.updated", s.brief(r))
	}
	return nil
}

// deliverParcel delivers the first shipped parcel. Only the order's fulfillments show that, none of its statuses.
func (s *Server) deliverParcel(r *record) error {
	f := r.parcel("shipped")
	if f == nil {
		return r.refuse("deliver")
	}
	f.Status, f.DeliveredAt = "delivered", new(s.now())
	s.emit(r, "fulfillment.delivered", f)
	return nil
}

func (r *record) parcel(status string) *Fulfillment {
	for _, f := range r.Fulfillments {
		if f.Status == status {
			return f
		}
	}
	return nil
}

// refund refunds all that was not refunded yet.
func (s *Server) refund(r *record) error { return s.giveBack(r, r.left()) }

// refundPart refunds half of what was not refunded yet, rounded up.
func (s *Server) refundPart(r *record) error { return s.giveBack(r, (r.left()+1)/2) }

func (r *record) left() int { return r.Total.Amount - r.RefundedTotal.Amount }

func (s *Server) giveBack(r *record, amount int) error {
	if (r.PaymentStatus != "paid" && r.PaymentStatus != "partially_refunded") || amount <= 0 {
		return r.refuse("refund")
	}
	refund := &Refund{ID: s.newID("ref"), OrderID: r.ID, Amount: won(amount), Reason: "damaged", Restock: true, Status: "completed", Lines: []LineQuantity{}, CreatedAt: s.now()}
	r.RefundedTotal.Amount += amount
	r.PaymentStatus = "partially_refunded"
	if r.left() == 0 {
		r.PaymentStatus = "refunded"
		for i := range r.Lines {
			refund.Lines = append(refund.Lines, LineQuantity{r.Lines[i].ID, r.Lines[i].Quantity})
			r.Lines[i].RefundedQuantity = r.Lines[i].Quantity
		}
	}
	r.Refunds = append(r.Refunds, refund)
	s.emit(r, "payment.refunded", refund)
	s.emit(r, "order.updated", s.brief(r))
	return nil
}
