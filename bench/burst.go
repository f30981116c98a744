package main

import (
	"context"
	"fmt"
	"time"
)

// reportBurst measures a burst through inorder and, in the same round, through the plain handler.
func reportBurst(ctx context.Context, subjects []subject, rounds int) error {
	const n, senders = 5000, 64
	fmt.Printf("\nburst of %d new events from %d senders:\n", n, senders)
	for range rounds {
		rates := map[string]float64{}
		for _, s := range subjects {
			if s.name != serveInbox && s.name != plainHandler {
				continue
			}
			r, err := measure(ctx, s, senders, n)
			if err != nil {
				return fmt.Errorf("measure a burst of %s: %w", s.name, err)
			}
			rates[s.name] = r.rate
			fmt.Printf("  %-28s %5.0f events/s accepted and applied, ack p50 %s, p99 %s, last applied %s after the last answer\n", s.name, r.rate,
				r.p50.Round(100*time.Microsecond), r.p99.Round(100*time.Microsecond), r.after.Round(time.Millisecond))
		}
		fmt.Printf("  %.2f of the plain handler's\n", rates[serveInbox]/rates[plainHandler])
	}
	return nil
}
