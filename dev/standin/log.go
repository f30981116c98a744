package standin

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// Attempt is one line of the delivery log.
type Attempt struct {
	Number    int       `json:"number"`   // of the attempt, from 1
	Delivery  int       `json:"delivery"` // the delivery's number, which its attempts share
	EventID   string    `json:"event_id"`
	EventType string    `json:"event_type"`
	OrderID   string    `json:"order_id"`
	WebhookID string    `json:"webhook_id"`
	Attempt   int       `json:"attempt"` // within the delivery, from 1; 0 if the delivery was never sent
	Outcome   string    `json:"outcome"` // delivered; failed (will be retried); gave_up; cancelled (the webhook is deleted or inactive); dropped
	Status    int       `json:"status"`  // HTTP status of the answer, 0 if there was none
	Error     string    `json:"error,omitempty"`
	Fault     string    `json:"fault,omitempty"` // drop, duplicate, reorder, delay or deactivate
	At        time.Time `json:"at"`
	Millis    int64     `json:"ms"`
}

// maxLog is how many attempts are kept at least.
const maxLog = 20_000

// Deliveries returns the delivery log, at least the last 20,000 attempts, in the order in which they ended.
func (s *Server) Deliveries() []Attempt { return s.DeliveriesAfter(0) }

// DeliveriesAfter returns the attempts that were logged after the attempt with that number.
func (s *Server) DeliveriesAfter(number int) []Attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.log, number+1, func(a Attempt, n int) int { return a.Number - n })
	return slices.Clone(s.log[i:])
}

// note logs an attempt. The caller holds the lock.
func (s *Server) note(d *delivery, a Attempt) {
	a.Delivery, a.EventID, a.EventType, a.OrderID, a.WebhookID = d.number, d.event.id, d.event.kind, d.event.orderID, d.webhook.ID
	a.Attempt, a.At = d.attempts, s.opts.Now()
	s.noted++
	a.Number = s.noted
	if len(s.log) >= 2*maxLog {
		s.log = slices.Clone(s.log[maxLog:])
	}
	s.log = append(s.log, a)
}

// testWebhook delivers one event at once, without retries or faults, even to an inactive webhook. What a test delivery
// contains is not documented. Here it is an ordinary event about an order that does not exist.
func (s *Server) testWebhook(c call) (int, any, error) {
	url, secret, body, err := s.newTest(c)
	if err != nil {
		return 0, nil, err
	}
	a := s.post(url, secret, body)
	return http.StatusOK, map[string]any{
		"success": a.Outcome == "delivered", "status_code": a.Status, "response_time_ms": a.Millis,
	}, nil
}

func (s *Server) newTest(c call) (url, secret string, body []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.findWebhook(c.PathValue("id"), c.mode)
	if err != nil {
		return "", "", nil, err
	}
	kind, err := s.testType(c.body, w)
	if err != nil {
		return "", "", nil, err
	}
	r := s.newOrder(w.mode, 0)
	r.ID = s.newID("ord_test")
	s.stats.Events++
	body = s.newEvent(kind, r.ID, s.sample(kind, r)).body
	if s.opts.BareTests {
		body, _ = json.Marshal(bareEnvelope{kind, s.now(), s.sample(kind, r)})
	}
	return w.URL, w.secret, body, nil
}
