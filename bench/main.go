// Command bench compares, in one run and on the same servers, how many events a second reach the orders table through
// inorder, and what limits it: an empty workflow started the same way (the engine's limit), and the same transaction
// without Temporal (the database's).
//
// It needs DATABASE_URL and TEMPORAL_ADDRESS of servers that may be written to, where it creates a database for the plain
// handler, and bin/inorder; `make bench` gives it all three. -inorder measures another version: its peers don't use that
// one's schema. It sends to loopback only. Figures are ratios within one run: machines differ, and so do their neighbours. Rounds
// are short and many, so that two subjects are measured within seconds of each other.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 2 && peers[os.Args[1]] != nil { // started by this program, as a peer to measure
		exit(runPeer(ctx, os.Args[1]))
	}
	rounds := flag.Int("rounds", 20, "how often each subject is measured; the medians are reported")
	events := flag.Int("events", 200, "events per measurement with 16 senders; fewer senders get fewer")
	inorder := flag.String("inorder", "../bin/inorder", "the program to measure")
	before := flag.String("before", "", "an older build of the program, to measure beside it")
	bursts := flag.Int("bursts", 5, "how often a burst is measured")
	outages := flag.Duration("outages", 0, "instead: calm and outages of that length, on servers of its own")
	flag.Parse()
	if *outages > 0 {
		exit(runOutages(ctx, *inorder, *outages))
	}
	exit(run(ctx, *inorder, *before, *rounds, *events, *bursts))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// senders are the numbers of concurrent senders that are measured.
var senders = []int{1, 4, 16}

func run(ctx context.Context, program, before string, rounds, events, bursts int) error {
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	defer pool.Close()
	if rounds > 0 {
		if err := runRounds(ctx, program, before, pool, rounds, events); err != nil {
			return err
		}
	}
	if bursts > 0 {
		return runBursts(ctx, program, before, pool, bursts)
	}
	return nil
}

func runRounds(ctx context.Context, program, before string, pool *pgxpool.Pool, rounds, events int) error {
	subjects, stop, err := startSubjects(ctx, program, before, pool, serve, emptyWorkflow, serveBefore, separate, plainHandler)
	defer stop()
	if err != nil {
		return err
	}
	fmt.Printf("%d rounds, %d events each with 16 senders; medians\n", rounds, events)
	results := map[string]map[int][]result{}
	for round := range rounds + 1 {
		order := slices.Clone(subjects)
		if round%2 == 1 { // so that none always follows the same neighbour
			slices.Reverse(order)
		}
		for _, s := range order {
			if results[s.name] == nil {
				results[s.name] = map[int][]result{}
			}
			for _, n := range senders {
				r, err := measure(ctx, pool, s, n, events*n/16+events/8)
				if err != nil {
					return fmt.Errorf("measure %s with %d senders: %w", s.name, n, err)
				}
				if round > 0 { // the first is to warm up
					results[s.name][n] = append(results[s.name][n], r)
				}
			}
			fmt.Fprintf(os.Stderr, "round %d of %d: %s done\n", round, rounds, s.name)
		}
	}
	report(subjects, results)
	if before != "" {
		reportBefore(results)
	}
	return nil
}

func report(subjects []subject, results map[string]map[int][]result) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "subject\t")
	for _, n := range senders {
		fmt.Fprintf(w, "events/s @%d\tack p50 @%d\tack p99 @%d\t", n, n, n)
	}
	fmt.Fprintln(w, "of the empty workflow's @16\tWAL/event @16\t")
	for _, s := range subjects {
		fmt.Fprintf(w, "%s\t", s.name)
		for _, n := range senders {
			rs := results[s.name][n]
			fmt.Fprintf(w, "%.0f\t%s\t%s\t", median(rs, func(r result) float64 { return r.rate }),
				median(rs, func(r result) time.Duration { return r.p50 }).Round(10*time.Microsecond),
				median(rs, func(r result) time.Duration { return r.p99 }).Round(10*time.Microsecond))
		}
		fmt.Fprintf(w, "%.2f\t%.0f B\t\n", share(results[s.name][16], results[emptyWorkflow][16]), median(results[s.name][16], func(r result) float64 { return r.wal }))
	}
	w.Flush()
}

// reportBefore compares the two builds of the program, measured in the same rounds.
func reportBefore(results map[string]map[int][]result) {
	now, old, limit := results[serve][16], results[serveBefore][16], results[emptyWorkflow][16]
	fmt.Printf("\n%s, of %s at 16 senders: %.2f (median of %d rounds); of the empty workflow: %.2f now, %.2f before\n",
		serve, serveBefore, share(now, old), len(now), share(now, limit), share(old, limit))
}

// share is the median of the rates' ratios, each of two measurements of one round, which had the same neighbours.
func share(rs, limits []result) float64 {
	ratios := make([]float64, len(rs))
	for i := range rs {
		ratios[i] = rs[i].rate / limits[i].rate
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

func median[T cmp.Ordered](rs []result, of func(result) T) T {
	values := make([]T, len(rs))
	for i, r := range rs {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
