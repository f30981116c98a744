// Command dev runs the whole system from a checkout, on real servers that it starts itself: for development and for
// tests. Production never links it.
//
//	dev run              everything, in the foreground
//	dev test COMMAND…    a command, with servers for it in the environment
//	dev temporal         only sees to it that there is a Temporal CLI
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"inorder/internal/devstack"
)

func main() {
	devstack.Fetch()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dev:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	if _, err := os.Stat("migrations"); err != nil {
		return fmt.Errorf("run this in the top folder of the checkout")
	}
	switch {
	case len(args) == 1 && args[0] == "run":
		return runSystem(ctx, root)
	case len(args) > 1 && args[0] == "test":
		return runTests(ctx, root, args[1:])
	case len(args) == 1 && args[0] == "temporal":
		_, err := devstack.TemporalCLI(ctx, root, os.Stdout)
		return err
	}
	return fmt.Errorf("usage: dev run | dev test COMMAND… | dev temporal")
}
