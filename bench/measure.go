package main

import (
	"context"
	"fmt"
	"time"
)

// measurement is one of a subject under a load. Its fields have no value where the machine or the subject has none: zero.
type measurement struct {
	Accepted float64 `json:"accepted_per_s"` // events/s, from the first POST to the last answer
	Applied  float64 `json:"applied_per_s"`  // events/s, from the first POST until the last event ended
	AckP50   float64 `json:"ack_p50_ms"`
	AckP99   float64 `json:"ack_p99_ms"`
	AckP999  float64 `json:"ack_p999_ms"`
	After    float64 `json:"after_ms"` // from the last answer until the last event ended
	Refused  int     `json:"refused,omitempty"`
	costs

	roundTrips float64 // of an event, to PostgreSQL
}

// measure posts a load's events and waits until all have ended, once each. It returns what that took, and every acknowledgement's time.
func measure(ctx context.Context, s *subject, l load) (m measurement, acks []time.Duration, err error) {
	deliveries := l.deliveries()
	before, err := s.meter(ctx)
	if err != nil {
		return m, nil, err
	}
	begin := time.Now()
	counted := 0
	if s.counts {
		if counted, err = s.ended(ctx, begin); err != nil {
			return m, nil, err
		}
	}
	sent, err := l.post(ctx, s.url, deliveries)
	if err != nil {
		return m, nil, err
	}
	answered := time.Now()
	defer s.end(len(s.processes))
	if err := s.launch(s.late); err != nil {
		return m, nil, err
	}
	if err := s.await(ctx, begin, counted, l.events, sent.refused); err != nil {
		return m, nil, err
	}
	end := time.Now()
	after, err := s.meter(ctx)
	if err != nil {
		return m, nil, err
	}
	m = measurement{
		Accepted: float64(l.events) / answered.Sub(begin).Seconds(), Applied: float64(l.events) / end.Sub(begin).Seconds(),
		After: ms(end.Sub(answered)), Refused: sent.refused,
		costs: after.since(before, l.events), roundTrips: float64(after.trips-before.trips) / float64(l.events),
	}
	m.AckP50, m.AckP99, m.AckP999 = quantiles(sent.acks)
	return m, sent.acks, nil
}

// await waits until all events have ended that were not refused, and returns an error if there are more than were sent: every event
// ends once. A refused one may have become durable all the same.
func (s *subject) await(ctx context.Context, since time.Time, counted, events, refused int) error {
	events += counted
	ended := 0
	err := poll(ctx, 5*time.Millisecond, func() (_ bool, err error) {
		ended, err = s.ended(ctx, since)
		return ended >= events-refused, err
	})
	switch {
	case err != nil:
		return fmt.Errorf("%d of %d events have ended: %w", ended-counted, events-counted, err)
	case ended > events && !s.counts: // a workflow may run twice
		return fmt.Errorf("%d events have ended, of %d", ended-counted, events-counted)
	}
	return nil
}
