// Command bench measures how fast inorder and its peers acknowledge and apply events, and what an event costs, in one run on the
// same servers. docs/benchmark.md says what each subject does and how it is measured.
//
// It starts PostgreSQL (with fsync) and Temporal's development server itself, and sends only to loopback. Compare figures only as
// ratios within one run, because machines differ, and so does the load that their neighbours cause. Rounds are short and many, so
// that two subjects are measured within seconds of each other.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"inorder/bench/peers"
	"inorder/dev/stack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 2 && peers.Has(os.Args[1]) { // this program has started itself as a peer
		exit(peers.Run(ctx, os.Args[1]))
	}
	stack.ClearEnvironment()
	var b bench
	flag.StringVar(&b.program, "inorder", "bin/inorder", "the program to measure")
	flag.StringVar(&b.before, "before", "", "an older build of the program, to compare with")
	flag.StringVar(&b.folder, "results", "bench/results", "the folder for the file of results")
	flag.StringVar(&b.version, "version", "", "the program's version, for the file of results")
	flag.StringVar(&b.only, "only", "", "the name of the only part to run")
	flag.Func("subjects", "the subjects to measure instead of all, separated by semicolons", b.choose)
	flag.IntVar(&b.share, "share", 1, "with -lists: divide the number of rows in the tables by this")
	rounds := flag.Int("rounds", 0, "the number of rounds of every part, instead of the part's own")
	short := flag.Bool("short", false, "the short form, under five minutes")
	filled := flag.Bool("filled", false, "instead: compare inorder on full tables with inorder on empty ones")
	lists := flag.Int("lists", 0, "instead: measure each list's first page and each view that operators see, this many times, on full tables")
	guard := flag.Bool("guard", false, "instead: report what became slower since -before")
	engine := flag.Bool("engine", false, "instead: compare settings of Temporal's server with the usual ones")
	flag.Func("builds", "with -engine: other builds of the program to measure as well, as name=program;name=program", func(text string) (err error) {
		b.builds, err = parseNamed(text)
		return err
	})
	outages := flag.Duration("outages", 0, "instead: measure acknowledgements without an outage, and during outages of this length")
	purge, calm := purgeFlags()
	draw := flag.String("plots", "", "instead: draw the charts in docs/benchmark from this file of results")
	flag.Parse()
	b.rounds = *rounds
	switch {
	case *draw != "":
		exit(plots(*draw, "docs/benchmark"))
	case *purge > 0:
		exit(b.runPurge(ctx, *purge, *calm))
	case *outages > 0:
		exit(runOutages(ctx, b.program, *outages))
	case *engine:
		exit(b.runEngine(ctx))
	case *guard:
		exit(b.runGuard(ctx))
	case *lists > 0:
		exit(b.runLists(ctx, *lists))
	case *filled:
		exit(b.runFilled(ctx))
	case *short:
		exit(b.runForm(ctx, "short", shortForm(b.before != "")))
	}
	exit(b.runForm(ctx, "long", longForm(b.before != "")))
}

func (b *bench) choose(names string) error {
	b.chosen = strings.Split(names, ";")
	return nil
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// bench is one run of this program: its settings and its results.
type bench struct {
	program, before string
	version, folder string
	only            string   // the part to run; empty: all
	chosen          []string // the subjects to measure; nil: all
	rounds          int
	builds          []named // with -engine: other builds of the program
	share           int     // with -lists: fill the tables with 1/share of the rows

	results results
}

// runForm runs the parts, prints a report and writes the file of results.
func (b *bench) runForm(ctx context.Context, form string, parts []part) error {
	b.results.begin(form, b.version)
	begin := time.Now()
	for _, p := range parts {
		if err := b.run(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	report(os.Stdout, &b.results)
	file, err := b.results.write(b.folder)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s in all. Results: %s; make bench/plots RESULTS=%[2]s draws them.\n", time.Since(begin).Round(time.Second), file)
	return nil
}
