// Command inorder receives a commerce platform's webhooks and keeps an orders table that is always right.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"inorder/internal/config"
)

// version is set at build time: -ldflags "-X main.version=…".
var version = "dev"

type cli struct {
	Serve    serveCmd    `cmd:"" help:"Run receiver and worker in one process: the way to run one node."`
	Receiver receiverCmd `cmd:"" help:"Run the receiver alone."`
	Worker   workerCmd   `cmd:"" help:"Run the worker alone."`
	Migrate  migrateCmd  `cmd:"" help:"Bring the database and Temporal up to what this program needs."`
	Send     sendCmd     `cmd:"" help:"Send signed test events."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

func main() {
	var c cli
	k := kong.Parse(&c,
		kong.Name("inorder"),
		kong.Description("Receives a commerce platform's webhooks and keeps an orders table that is always right.\n\n"+
			"All settings come from the environment; `inorder COMMAND --help` lists those a command reads."),
		kong.Vars{"version": version, "stories": storyNames()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	k.BindTo(ctx, (*context.Context)(nil))
	os.Exit(exitCode(k.Run()))
}

// exitCode is 0 on a wished end, 2 for settings that must be corrected, and 1 for everything else.
func exitCode(err error) int {
	if err == nil || errors.Is(err, context.Canceled) {
		return 0
	}
	fmt.Fprintln(os.Stderr, "inorder:", err)
	if config.IsError(err) {
		return 2
	}
	return 1
}
