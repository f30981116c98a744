// Command chaos is `make chaos`. It runs inorder on throw-away servers, with load and faults derived from a seed, and reports
// whether every acknowledged event is where it must be.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"inorder/dev/chaos"
	"inorder/dev/stack"
)

const shown = 20 // findings of a round that are printed at most

func main() {
	stack.ClearEnvironment()
	flags := flag.NewFlagSet("chaos", flag.ExitOnError)
	seed := flags.Uint64("seed", 0, "decides the schedule and the load; 0: taken from the clock")
	duration := flags.Duration("duration", time.Minute, "how long faults happen in each round")
	rounds := flags.Int("rounds", 1, "number of rounds, each with the next seed and new servers")
	program := flags.String("inorder", "bin/inorder", "the program to run")
	plant := flags.String("plant", "", "for tests: the fault to plant, which the checker must find ("+strings.Join(chaos.Plants(), ", ")+")")
	verbose := flags.Bool("v", false, "show what happened, even in a good round")
	_ = flags.Parse(os.Args[1:])
	if *seed == 0 {
		*seed = uint64(time.Now().Unix())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	path, err := filepath.Abs(*program)
	var verdicts []chaos.Verdict
	for i := 0; i < *rounds && err == nil; i++ {
		var v chaos.Verdict
		o := chaos.Options{Seed: *seed + uint64(i), Duration: *duration, Program: path, Plant: *plant, Out: os.Stdout}
		if v, err = chaos.Run(ctx, o); err == nil {
			show(os.Stdout, v, *verbose)
			verdicts = append(verdicts, v)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
	}
	switch ok := summary(os.Stdout, verdicts); {
	case !ok:
		os.Exit(1)
	case err != nil:
		os.Exit(2)
	}
}

// show prints what happened and what is wrong.
func show(w io.Writer, v chaos.Verdict, verbose bool) {
	if verbose || !v.OK() {
		for _, note := range v.Notes {
			fmt.Fprintln(w, "  "+note)
		}
	}
	for i, wrong := range v.Wrong {
		if i == shown {
			fmt.Fprintf(w, "  and %d more\n", len(v.Wrong)-shown)
			break
		}
		fmt.Fprintln(w, "  WRONG "+wrong)
	}
	if v.Dir != "" {
		fmt.Fprintln(w, "  logs are in "+v.Dir)
	}
	fmt.Fprintln(w, v)
}

// summary prints a line for each of several rounds, and reports whether all are right.
func summary(w io.Writer, verdicts []chaos.Verdict) (ok bool) {
	ok = true
	if len(verdicts) > 1 {
		fmt.Fprintln(w)
	}
	for _, v := range verdicts {
		ok = ok && v.OK()
		if len(verdicts) > 1 {
			fmt.Fprintln(w, v)
		}
	}
	return ok
}
