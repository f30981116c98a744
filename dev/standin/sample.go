package standin

import (
	"encoding/json"
	"strings"
)

// testType returns the event type that the request for a test delivery names. The documents require one, but the SDK sends
// no body. Without one, it returns the first type that the webhook subscribed to, or order.created if that is a wildcard.
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

// sample returns the data of a test event: the object of the type's family, about the order.
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
