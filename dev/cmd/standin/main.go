// Command standin runs a stand-in for the commerce platform and controls it: it places orders, sets faults, and shows
// the deliveries. It is a tool for trying inorder without an account; production does not use it.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"inorder/internal/command"
)

// The exit codes.
const (
	exitOK    = command.OK
	exitError = command.Failed
	exitUsage = command.Usage
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
	Faults     faultsCmd     `cmd:"" help:"Set faults: drop, duplicate, reorder, delay, refuse."`

	Help command.Help `cmd:"" help:"Print the help of a command."`
}

const description = `A stand-in for the commerce platform: the Admin API's webhooks and orders, and signed deliveries with retries. It keeps
everything in memory. ` + "`make run PLATFORM=stand-in`" + ` starts one beside inorder.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs one command and returns the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var c cli
	return command.Program{
		Name: "standin", Description: description, Grammar: &c, Out: out, Err: errs,
		Options: []kong.Option{kong.Bind(&c.control)},
	}.Run(ctx, args)
}
