// Command inorder receives a commerce platform's webhooks and keeps an orders table that is always right.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"inorder/internal/config"
	"inorder/internal/terminal"
)

// The exit codes. A command that was asked to stop, and did, has succeeded.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2 // the command line or the environment is not right
)

type cli struct {
	Serve    serveCmd    `cmd:"" help:"Receive webhooks and apply them, in one process."`
	Receiver receiverCmd `cmd:"" help:"Receive webhooks only, and leave them to workers."`
	Worker   workerCmd   `cmd:"" help:"Apply what was received elsewhere."`
	Migrate  migrateCmd  `cmd:"" help:"Prepare PostgreSQL and Temporal for this version."`
	Send     sendCmd     `cmd:"" help:"Send signed test events."`
	Hooks    hooksCmd    `cmd:"" help:"Register, test and rotate the platform's webhooks."`
	Listen   listenCmd   `cmd:"" help:"Receive the platform's deliveries on this machine, for development."`
	Orders   ordersCmd   `cmd:"" help:"Compare orders with the platform's."`

	Recover recoverCmd `cmd:"" help:"Bring back events that lost their workflow in Temporal."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

const description = `Keeps an orders table that is always right, from a commerce platform's webhooks, on Temporal and PostgreSQL.

Settings come from the environment; each command's help says which it reads.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal then ends the process at once
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// clean returns streams for commands: what they print may hold what others wrote. flush ends them.
func (s streams) clean() (cleaned streams, flush func()) {
	out, err := terminal.NewWriter(s.out), terminal.NewWriter(s.err)
	return streams{s.in, out, err}, func() { _, _ = out.Flush(), err.Flush() }
}

// run runs one command and returns the exit code.
func run(ctx context.Context, args []string, raw streams) (code int) {
	std, flush := raw.clean()
	defer flush()
	type exit int // what --help and --version unwind with
	defer func() {
		if r := recover(); r != nil {
			e, ours := r.(exit)
			if !ours {
				panic(r)
			}
			code = int(e)
		}
	}()
	parser := kong.Must(&cli{},
		kong.Name("inorder"),
		kong.Description(description),
		kong.Vars{"version": programVersion()},
		kong.Writers(raw.out, raw.err), // help is our own text, and needs the file itself to be as wide as the terminal
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.WithHyphenPrefixedParameters(true), // --at -5m
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(std.err, "inorder: %v\nSee `inorder --help`.\n", err)
		return exitUsage
	}
	err = command.Run()
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		err = errors.New("interrupted")
	}
	fmt.Fprintf(std.err, "inorder: %v\n", err)
	if config.IsError(err) {
		return exitUsage
	}
	return exitError
}

// version is set when bin/inorder is built: -ldflags "-X main.version=…".
var version string

// programVersion is version, or else what the Go tool recorded of the source.
func programVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		return info.Main.Version
	}
	return version
}
