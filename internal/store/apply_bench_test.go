package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/dev/testenv"
	"inorder/internal/sample"
)

// BenchmarkApply measures what an event costs by itself and in a batch. New orders share nothing; in a life, four
// events of each order come together, as they do when the inbox catches up.
func BenchmarkApply(b *testing.B) {
	for name, types := range map[string][]string{
		"new": {"order.created"}, "life": {"order.created", "order.paid", "fulfillment.shipped", "order.updated"}} {
		for _, n := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) { benchmarkApply(b, types, n) })
		}
	}
}

func benchmarkApply(b *testing.B, types []string, n int) {
	s := New(testenv.Database(b))
	var next, events int
	var order string
	draw := func() (batch []Event) {
		for range n {
			if next%len(types) == 0 {
				order = sample.NewID("order_")
			}
			body := sample.Event(sample.Options{Type: types[next%len(types)], OrderID: order, At: time.Now().Add(time.Duration(next%len(types)) * time.Second)})
			next++
			e, err := inorder.ParseEvent(body)
			require.NoError(b, err)
			e.ReceivedAt = time.Now()
			batch = append(batch, Read(e, time.Hour))
		}
		return batch
	}
	o := Options{Via: ViaInbox, SkipLocked: n > 1, OnlyEnds: n > 1}
	for b.Loop() {
		b.StopTimer()
		batch := draw()
		b.StartTimer()
		results, err := s.Apply(b.Context(), batch, o)
		require.NoError(b, err)
		for _, r := range results {
			require.Contains(b, []inorder.Outcome{inorder.Applied, inorder.Stale}, r.Outcome)
		}
		events += n
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
