package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// guardParts returns parts that also measure the older build twice: the difference of the two is the noise.
func guardParts() []part {
	return []part{
		{name: "closed loop", subjects: []string{workflowEach, workflowEachBefore, workflowEachAgain}, loads: []load{senders16}, rounds: 12},
		{name: "bursts", subjects: []string{serve, serveBefore, serveAgain}, loads: []load{burst, mixed}, rounds: 12},
	}
}

// guarded are the figures that must not grow, with their names.
var guarded = []struct {
	name string
	of   figure
}{
	{"time per event", func(m measurement) float64 { return 1 / m.Applied }},
	{"ack p50", ackP50},
	{"ack p99", ackP99},
	{"CPU of inorder per event", cpuSubject},
	{"CPU of PostgreSQL per event", cpuPostgres},
	{"WAL per event", wal},
}

// runGuard prints in one line which figures grew by more than noise explains. It returns an error if there are any.
func (b *bench) runGuard(ctx context.Context) error {
	if b.before == "" {
		return errors.New("-guard needs -before")
	}
	b.results.begin("guard", b.version)
	for _, p := range guardParts() {
		if err := b.run(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	if _, err := b.results.write(b.folder); err != nil {
		return err
	}
	slower, all := b.results.slower()
	for _, line := range all {
		fmt.Fprintln(os.Stderr, line)
	}
	if len(slower) == 0 {
		fmt.Printf("Nothing became slower beyond noise: %d comparisons, each of the medians of %d rounds.\n", len(all), b.results.rounds())
		return nil
	}
	line := "Slower than before, beyond noise: " + strings.Join(slower, "; ") + "."
	fmt.Println(line)
	return errors.New("slower than before")
}

// slower returns the comparisons in which the newer build is worse beyond noise, and all comparisons.
func (r *results) slower() (slower, all []string) {
	compared := []struct{ now, before, again string }{{workflowEach, workflowEachBefore, workflowEachAgain}, {serve, serveBefore, serveAgain}}
	for _, c := range compared {
		for _, l := range []load{senders16, burst, mixed} {
			old := r.find(c.before, l.name)
			for _, g := range guarded {
				now, measured := ratio(r.find(c.now, l.name), old, g.of)
				noise, _ := ratio(r.find(c.again, l.name), old, g.of)
				if !measured {
					continue
				}
				line := fmt.Sprintf("%s of %s, %s: %s relative to before; before relative to itself: %s", g.name, c.now, l.name, now, noise)
				all = append(all, line)
				if now.exceeds(noise) {
					slower = append(slower, line)
				}
			}
		}
	}
	return slower, all
}

// least is the smallest ratio that is worth reporting.
const least = 1.02

// exceeds reports whether the figure grew according to the sign test, by more than noise explains and by more than least.
func (i interval) exceeds(noise interval) bool {
	return i.low > 1 && i.median > noise.high && i.median > least
}

func (r *results) rounds() (n int) {
	for _, s := range r.Series {
		n = max(n, len(s.Rounds))
	}
	return n
}
