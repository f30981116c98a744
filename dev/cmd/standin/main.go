// Command standin runs a stand-in for the commerce platform and steers it: place orders there, let deliveries go
// wrong, and watch what arrives. It is a tool for trying inorder without an account; production does not use it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// The exit codes. A command that was asked to stop, and did, has succeeded.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

type cli struct {
	control

	Serve      serveCmd      `cmd:"" help:"Run the stand-in."`
	Place      placeCmd      `cmd:"" help:"Place orders, as shoppers would."`
	Do         doCmd         `cmd:"" help:"Advance an order: pay it, ship it, refund it."`
	Orders     ordersCmd     `cmd:"" help:"List the orders as they are on the platform."`
	Webhooks   webhooksCmd   `cmd:"" help:"List the webhooks."`
	Deactivate deactivateCmd `cmd:"" help:"Deactivate a webhook, as the platform does to those that keep failing."`
	Deliveries deliveriesCmd `cmd:"" help:"Show what was delivered, and how it was answered."`
	Faults     faultsCmd     `cmd:"" help:"Let things go wrong: drop, duplicate, reorder, delay, refuse."`
}

const description = `A stand-in for the commerce platform: the Admin API's webhooks and orders, and signed deliveries with retries. All is kept
in memory. ` + "`make run PLATFORM=stand-in`" + ` starts one beside inorder.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs one command and returns the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) (code int) {
	type exit int // what --help unwinds with
	defer func() {
		if r := recover(); r != nil {
			e, ours := r.(exit)
			if !ours {
				panic(r)
			}
			code = int(e)
		}
	}()
	var c cli
	parser := kong.Must(&c,
		kong.Name("standin"),
		kong.Description(description),
		kong.Writers(out, errs),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(out, (*io.Writer)(nil)),
		kong.Bind(&c.control),
	)
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(errs, "standin: %v\nSee `standin --help`.\n", err)
		return exitUsage
	}
	switch err := command.Run(); {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitOK
	default:
		fmt.Fprintf(errs, "standin: %v\n", err)
		return exitError
	}
}
