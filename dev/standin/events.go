package standin

import (
	"encoding/json"
	"time"
)

// event is what a delivery carries. Its body is rendered once, so that every delivery has the same bytes.
type event struct {
	id, kind, orderID string
	body              []byte
}

// envelope is the JSON of an event, with the fields in the order of the documents.
type envelope struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	CreatedAt string `json:"created_at"`
	Data      any    `json:"data"`
	StoreID   string `json:"store_id"`
}

// bareEnvelope has only the fields of the SDK's type of an event.
type bareEnvelope struct {
	Type      string `json:"type"`
	CreatedAt string `json:"created_at"`
	Data      any    `json:"data"`
}

func (s *Server) newEvent(kind, orderID string, data any) event {
	e := event{id: s.newID("evt"), kind: kind, orderID: orderID}
	e.body, _ = json.Marshal(envelope{e.id, kind, s.now(), data, s.opts.StoreID})
	return e
}

// emit sends an event about an order, as it is now, to every active webhook of the order's mode that subscribed to
// the event's type. The caller holds the lock.
func (s *Server) emit(r *record, kind string, data any) {
	s.stats.Events++
	e := s.newEvent(kind, r.ID, data)
	for _, w := range s.webhooks {
		if w.mode == r.mode && w.IsActive && !w.deleted && w.wants(kind) {
			s.dispatch(w, e)
		}
	}
}

// brief returns the data of those order events that the documents show only in samples.
func (s *Server) brief(r *record) any {
	if !s.opts.SparseOrders {
		return r.Order
	}
	return map[string]string{"id": r.ID, "status": r.Status, "payment_status": r.PaymentStatus, "fulfillment_status": r.FulfillmentStatus}
}

// dispatch starts a delivery, with the faults that hit it.
func (s *Server) dispatch(w *webhook, e event) {
	d := s.newDelivery(w, e)
	f, n := &s.faults, d.number
	if f.hits("drop", n) {
		s.stats.Dropped++
		s.note(d, Attempt{Outcome: "dropped", Fault: "drop"})
		s.finish()
		return
	}
	if f.hits("deactivate", n) {
		w.IsActive, d.fault = false, "deactivate"
		s.stats.GaveUp++
		s.note(d, Attempt{Outcome: "cancelled", Fault: "deactivate"})
		s.finish()
		return
	}
	if w.held == nil && f.hits("reorder", n) {
		d.fault = "reorder"
		w.held = d
		time.AfterFunc(millis(f.HoldMillis, 500), func() { s.unhold(d) })
	} else {
		d.next, w.held = w.held, nil
		if f.hits("delay", n) {
			d.fault = "delay"
			time.AfterFunc(millis(f.DelayMillis, 1000), func() { s.later(d) })
		} else {
			s.enqueue(d)
		}
	}
	if f.hits("duplicate", n) {
		twin := s.newDelivery(w, e)
		twin.fault = "duplicate"
		s.enqueue(twin)
	}
}

// unhold sends a delivery that a reorder fault held back, if no later delivery has released it.
func (s *Server) unhold(d *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.webhook.held == d {
		d.webhook.held = nil
		s.enqueue(d)
	}
}

// later sends a delivery after its delay.
func (s *Server) later(d *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enqueue(d)
}
