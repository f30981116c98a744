// Command inorder receives a commerce platform's webhooks and keeps an orders table that is always right.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"inorder/internal/command"
	"inorder/internal/config"
	"inorder/internal/terminal"
)

// The exit codes.
const (
	exitOK    = command.OK
	exitError = command.Failed
	exitUsage = command.Usage
	exitWrong = 3 // of status: something needs a person; of send --verify: events have not ended
)

type cli struct {
	Serve    serveCmd    `cmd:"" group:"run" help:"Receive webhooks and apply them, in one process."`
	Receiver receiverCmd `cmd:"" group:"run" help:"Receive webhooks only, and leave them to workers."`
	Worker   workerCmd   `cmd:"" group:"run" help:"Apply what was received elsewhere."`
	Migrate  migrateCmd  `cmd:"" group:"run" help:"Prepare PostgreSQL and Temporal for this version."`

	Status  statusCmd  `cmd:"" group:"operate" help:"Show whether anything is wrong: what flows, what waits, which server fails."`
	Events  eventsCmd  `cmd:"" group:"operate" help:"List and show events; retry, discard, replay and amend them."`
	Bulk    bulkCmd    `cmd:"" group:"operate" help:"Show or stop an action on many events."`
	Orders  ordersCmd  `cmd:"" group:"operate" help:"Show orders, what holds them up, and how they differ from the platform's."`
	Refused refusedCmd `cmd:"" group:"operate" help:"List and explain deliveries that were refused."`
	Audit   auditCmd   `cmd:"" group:"operate" help:"List what people did to events."`
	Doctor  doctorCmd  `cmd:"" group:"operate" help:"Check the whole installation, and explain a delivery that was refused."`
	Recover recoverCmd `cmd:"" group:"operate" help:"Bring back events that lost their workflow in Temporal."`

	Hooks  hooksCmd  `cmd:"" group:"platform" help:"Register, test and rotate the platform's webhooks."`
	Listen listenCmd `cmd:"" group:"platform" help:"Receive the platform's deliveries on this machine, for development."`
	Send   sendCmd   `cmd:"" group:"platform" help:"Send signed test events, as the platform does."`

	Completion command.Completion `cmd:"" group:"self" help:"Print a completion script for a shell: bash, zsh or fish."`
	Help       command.Help       `cmd:"" group:"self" help:"Print the help of a command."`
	Version    command.Version    `cmd:"" group:"self" help:"Print the version."`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version and exit."`
}

var groups = kong.ExplicitGroups([]kong.Group{
	{Key: "run", Title: "Run it:"}, {Key: "operate", Title: "Operate it:"}, {Key: "platform", Title: "With the platform, and in its place:"}, {Key: "self", Title: "About this program:"},
})

const description = `Keeps an orders table that is always right, from a commerce platform's webhooks, on Temporal and PostgreSQL.

Settings come from the environment; each command's help says which it reads.

Exit codes: 0 success; 1 failure; 2 the command line or the environment is invalid, ADMIN_TOKEN included, and nothing was done;
3 inorder status found something that needs a person, or inorder send --verify found events that are still waiting, stuck or in
attention. A command that serves, watches or follows exits with 0 on Ctrl-C.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal then ends the process at once
	os.Exit(run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
	screen   *terminal.Writer // out, with its width and its colours
}

// clean returns streams that clean what commands print, because it may hold text that others wrote. flush ends them.
func (s streams) clean() (cleaned streams, flush func()) {
	out, err := terminal.NewWriter(s.out), terminal.NewWriter(s.err)
	return streams{s.in, out, err, out}, func() { _, _ = out.Flush(), err.Flush() }
}

// run runs one command and returns the exit code.
func run(ctx context.Context, args []string, raw streams) int {
	std, flush := raw.clean()
	defer flush()
	return command.Program{
		Name: "inorder", Description: description, Grammar: &cli{},
		Out: std.out, Err: std.err,
		Page:    raw.out, // help is our own text, and needs the file itself to be as wide as the terminal
		Options: []kong.Option{kong.Vars{"version": programVersion()}, kong.Bind(std), groups},
		CodeOf:  codeOf,
	}.Run(ctx, args)
}

func codeOf(err error) int {
	if _, begun := errors.AsType[*begunError](err); begun {
		return exitError
	}
	if _, refused := errors.AsType[*usageError](err); refused || config.IsError(err) || isInvalid(err) || isRefusedToken(err) {
		return exitUsage
	}
	if hasOpenEvents(err) {
		return exitWrong
	}
	return exitError
}

// version is set when bin/inorder is built: -ldflags "-X main.version=…".
var version string

// programVersion returns version or, if that is empty, what the Go tool recorded of the source.
func programVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		return info.Main.Version
	}
	return version
}
