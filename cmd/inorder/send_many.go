package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

const progressEvery = 2 * time.Second

// sendMany shows progress while it runs, and then sums up.
func (s *sendCmd) sendMany(ctx context.Context, to *sender, next func() request, std streams) error {
	total := s.Repeat
	began, shown := time.Now(), time.Now()
	fmt.Fprintf(std.err, "sending %d deliveries, %d at once, to %s\n", total, s.Concurrency, to.url)
	failed := failures{}
	answers := map[string]int{}
	var took []time.Duration
	err := s.post(ctx, to, next, func(d request, a answer) {
		took = append(took, a.took)
		answers[a.String()]++
		failed.count(a, s.refused())
		if time.Since(shown) >= progressEvery {
			shown = time.Now()
			fmt.Fprintf(std.err, "  %d of %d, %.0f/s, %d not as expected\n", len(took), total, rate(len(took), began), failed.all)
		}
	})
	if len(took) > 0 {
		slices.Sort(took)
		fmt.Fprintf(std.out, "%d deliveries in %s, %.0f/s; answered within %s (half of them), %s (99 %%)\n", len(took),
			shortly(time.Since(began)), rate(len(took), began), shortly(took[len(took)/2]), shortly(took[len(took)*99/100]))
		for _, text := range slices.Sorted(maps.Keys(answers)) {
			fmt.Fprintf(std.out, "%8d  %s\n", answers[text], text)
		}
	}
	if err != nil {
		return err
	}
	return s.verdict(failed, to)
}

func rate(n int, began time.Time) float64 { return float64(n) / time.Since(began).Seconds() }

// shortly is a duration as a person reads it.
func shortly(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
