package standin

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"time"
)

// delivery sends one event to one webhook, with retries.
type delivery struct {
	number   int
	webhook  *webhook
	event    event
	attempts int
	fault    string
	next     *delivery // held back until this one has been attempted once
}

// newDelivery counts and returns a new delivery. The callers of newDelivery, finish and enqueue hold the lock.
func (s *Server) newDelivery(w *webhook, e event) *delivery {
	s.stats.Deliveries++
	if s.pending++; s.pending == 1 {
		s.idle = make(chan struct{})
	}
	return &delivery{number: s.stats.Deliveries, webhook: w, event: e}
}

// finish ends a delivery, successful or not.
func (s *Server) finish() {
	if s.pending--; s.pending == 0 {
		close(s.idle)
	}
}

// enqueue adds a delivery to the queue, which at most Options.Parallel workers send in order.
func (s *Server) enqueue(d *delivery) {
	if s.closed {
		s.finish()
		return
	}
	s.queue = append(s.queue, d)
	if s.running < s.opts.Parallel {
		s.running++
		s.wg.Add(1)
		go s.work()
	}
}

func (s *Server) work() {
	defer s.wg.Done()
	for {
		s.mu.Lock()
		if len(s.queue) == 0 {
			s.running--
			s.mu.Unlock()
			return
		}
		d := s.queue[0]
		s.queue = s.queue[1:]
		d.attempts++
		url, secret, gone := d.webhook.URL, d.webhook.secret, d.webhook.deleted || !d.webhook.IsActive
		s.mu.Unlock()

		a := Attempt{Outcome: "cancelled"}
		if !gone {
			a = s.post(url, secret, d.event.body)
		}
		s.conclude(d, a)
	}
}

// conclude logs an attempt and decides whether the delivery is retried or finished.
func (s *Server) conclude(d *delivery, a Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := d.webhook
	retry := a.Outcome == "failed" && d.attempts <= len(s.opts.RetryDelays) && !s.closed
	if a.Outcome == "failed" && !retry {
		a.Outcome = "gave_up"
	}
	a.Fault = d.fault
	s.note(d, a)
	if d.next != nil {
		s.enqueue(d.next)
		d.next = nil
	}
	switch a.Outcome {
	case "delivered":
		s.stats.Delivered++
		w.failed = 0
	case "failed":
		time.AfterFunc(s.opts.RetryDelays[d.attempts-1], func() { s.later(d) })
		return
	default:
		s.stats.GaveUp++
		if w.failed++; s.opts.DeactivateAfter > 0 && w.failed >= s.opts.DeactivateAfter {
			w.IsActive = false
		}
	}
	s.finish()
}

// post sends a body once. Any 2xx is a success; redirects are not followed.
func (s *Server) post(url, secret string, body []byte) (a Attempt) {
	start := time.Now()
	defer func() { a.Millis = time.Since(start).Milliseconds() }()
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return Attempt{Outcome: "failed", Error: err.Error()}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "inorder-standin")
	req.Header.Set("X-Webhook-Signature", sign(secret, body))
	res, err := s.http.Do(req)
	if err != nil {
		return Attempt{Outcome: "failed", Error: err.Error()}
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return Attempt{Outcome: "failed", Status: res.StatusCode}
	}
	return Attempt{Outcome: "delivered", Status: res.StatusCode}
}

// sign is written from the documents and not shared with the receiver, so that each checks the other.
func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
