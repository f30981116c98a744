package standin

import (
	"encoding/json"
	"strings"
)

// testType is the event type that a test delivery is asked for. The documents require it and the SDK sends no body at
// all: then it is the first that the webhook subscribed to, or order.created.
func (s *Server) testType(body []byte, w *webhook) (string, error) {
	var in struct {
		EventType *string `json:"event_type"`
	}
	if len(body) > 0 && json.Unmarshal(body, &in) != nil {
		return "", invalid("event_type", "The body must be a JSON object with event_type, a string")
	}
	switch {
	case in.EventType == nil && strings.Contains(w.Events[0], "*"):
		return "order.created", nil
	case in.EventType == nil:
		return w.Events[0], nil
	case strings.Contains(*in.EventType, "*") || !s.subscribable(*in.EventType):
		return "", invalid("event_type", "Unknown event type: "+*in.EventType)
	}
	return *in.EventType, nil
}

// sample is the data of a test event: what the type's family has, about the order.
func (s *Server) sample(kind string, r *record) any {
	now := s.now()
	lines := []LineQuantity{{r.Lines[0].ID, r.Lines[0].Quantity}}
	switch family, verb, _ := strings.Cut(kind, "."); {
	case kind == "payment.refunded":
		return &Refund{ID: s.newID("ref"), OrderID: r.ID, Amount: won(1000), Reason: "damaged", Status: "completed", Lines: lines, CreatedAt: now}
	case family == "order", family == "payment":
		return r.Order
	case family == "fulfillment":
		if verb == "created" {
			verb = "pending"
		}
		return &Fulfillment{ID: s.newID("ful"), OrderID: r.ID, Status: verb, Lines: lines, CreatedAt: now}
	case family == "return":
		return s.newReturn(r, "refund", verb)
	default:
		return map[string]any{"id": s.newID(family)}
	}
}
