// Command dev runs the whole system on this machine, with real servers and without containers:
//
//	dev run               runs PostgreSQL, Temporal, inorder migrate and inorder serve, until Ctrl-C; with PLATFORM=stand-in in
//	                      the environment, also the stand-in
//	dev test -- COMMAND   runs COMMAND with throw-away servers named in its environment, and exits with its exit code
//	dev temporal          finds or builds the Temporal CLI, and prints its path
//	dev clean             deletes the state of dev run
//
// It is for development and tests; production does not use it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"inorder/dev/stack"
)

const usage = `usage: dev run [-dir DIR] [-inorder PROGRAM] [-standin PROGRAM]
       dev test [-fsync] -- COMMAND [ARGUMENT...]
       dev temporal
       dev clean [-dir DIR]
`

var errUsage = errors.New("unknown use")

func main() {
	stack.ClearEnvironment(ports...)
	// The first signal ends the context. A second Ctrl-C kills us at once, and the servers with us.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := dispatch(ctx, os.Args[1:])
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.Is(err, errUsage):
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	case errors.As(err, &exit) && exit.Exited(): // dev test: the command has reported its error
		os.Exit(exit.ExitCode())
	default:
		fmt.Fprintln(os.Stderr, "dev:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet("dev "+args[0], flag.ExitOnError)
	dir := flags.String("dir", ".dev", "where the state of dev run is kept")
	inorder := flags.String("inorder", "bin/inorder", "dev run: the program to run")
	standIn := flags.String("standin", "bin/standin", "dev run: the program of the stand-in, for PLATFORM=stand-in")
	fsync := flags.Bool("fsync", false, "dev test: let the servers flush to disk, for measurements")
	_ = flags.Parse(args[1:])
	switch args[0] {
	case "run":
		return run(ctx, *dir, *inorder, *standIn)
	case "test":
		return test(ctx, *fsync, flags.Args())
	case "temporal":
		path, err := stack.TemporalCLI(ctx, ".", os.Stderr)
		if err == nil {
			fmt.Println(path)
		}
		return err
	case "clean":
		return stack.Remove(*dir)
	}
	return errUsage
}
