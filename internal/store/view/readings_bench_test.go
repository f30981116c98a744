package view

import (
	"slices"
	"testing"
	"time"

	"inorder/dev/testenv"
)

// BenchmarkReadings measures what each process asks every ten seconds, while 100,000 events wait and 20,000 are in
// the inbox. It also reports the fastest run, for a machine that has other work.
func BenchmarkReadings(b *testing.B) {
	pool := testenv.Database(b)
	for _, sql := range []string{
		`INSERT INTO pending_events (event_id, order_id, type, payload, body, occurred_at, received_at, phase)
		 SELECT 'evt_' || i, 'order_' || i, 'order.paid', '{}', convert_to(repeat('x', 700), 'UTF8'), now(), now() - i * interval '1 second', 'waiting' FROM generate_series(1, 100000) i`,
		`INSERT INTO event_inbox (event_id, body, received_at, not_before) SELECT 'evt_' || i, convert_to(repeat('x', 700), 'UTF8'), now() - i * interval '1 second', now() FROM generate_series(1, 20000) i`,
		`ANALYZE`,
	} {
		if _, err := pool.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	v := New(pool)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if _, err := v.Readings(b.Context()); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	b.ReportMetric(float64(slices.Min(took).Microseconds()), "µs/fastest")
}
