package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// runBursts measures bursts through inorder and, in the same round, through the plain handler: one that is over in two
// seconds, and one that lasts.
func runBursts(ctx context.Context, program, before string, pool *pgxpool.Pool, rounds int) error {
	subjects, stop, err := startSubjects(ctx, program, before, pool, plainHandler, serveInbox, inboxBefore)
	defer stop()
	if err != nil {
		return err
	}
	for _, events := range []int{5000, 30000} {
		fmt.Printf("\n%d new events from 64 senders:\n", events)
		for round := range rounds {
			if err := burst(ctx, pool, subjects, events, round%2 == 1); err != nil {
				return err
			}
		}
	}
	return reportTogether(ctx, pool, subjects[1], rounds)
}

func burst(ctx context.Context, pool *pgxpool.Pool, subjects []subject, events int, reverse bool) error {
	order := slices.Clone(subjects)
	if reverse {
		slices.Reverse(order)
	}
	rates := map[string]float64{}
	for _, s := range order {
		r, err := measure(ctx, pool, s, 64, events)
		if err != nil {
			return fmt.Errorf("measure a burst of %s: %w", s.name, err)
		}
		rates[s.name] = r.rate
		fmt.Printf("  %-37s %5.0f events/s accepted and applied, ack p50 %s, p99 %s, last applied %s after the last answer, %.0f bytes of WAL an event\n", s.name, r.rate,
			r.p50.Round(100*time.Microsecond), r.p99.Round(100*time.Microsecond), r.after.Round(time.Millisecond), r.wal)
	}
	for _, s := range subjects[1:] {
		fmt.Printf("  %s: %.2f of the plain handler's\n", s.name, rates[s.name]/rates[plainHandler])
	}
	return nil
}
