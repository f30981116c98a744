package main

import (
	"context"
	"fmt"
	"time"
)

// measurement is one measurement of a subject under a load. Fields that the machine or the subject can't provide are zero.
type measurement struct {
	Accepted float64 `json:"accepted_per_s"` // events/s, from the first POST to the last answer
	Applied  float64 `json:"applied_per_s"`  // events/s, from the first POST until the last event ended
	AckP50   float64 `json:"ack_p50_ms"`
	AckP99   float64 `json:"ack_p99_ms"`
	AckP999  float64 `json:"ack_p999_ms"`
	After    float64 `json:"after_ms"` // from the last answer until the last event ended
	Refused  int     `json:"refused,omitempty"`
	costs

	roundTrips float64 // to PostgreSQL, per event
}

// measure posts a load's events, and waits until each has ended exactly once. It returns the measurement and all acknowledgement times.
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

// await waits until all events that were not refused have ended. It returns an error if more events ended than were sent, because
// every event ends once. A refused event may end, too, because it may have become durable before the refusal.
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
		return fmt.Errorf("%d events have ended, although only %d were sent", ended-counted, events-counted)
	}
	return nil
}
