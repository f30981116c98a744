package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"inorder/dev/stack"
	"inorder/dev/testenv"
)

// test runs the command with throw-away servers, and returns its error. The environment names the servers twice: in the variables
// that tests read, and in those that inorder reads. The PostgreSQL role is a superuser, because tests create databases.
func test(ctx context.Context, fsync bool, command []string) (err error) {
	if len(command) == 0 {
		return errUsage
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	servers, err := stack.Start(ctx, stack.Options{Fsync: fsync, Out: os.Stderr})
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := servers.Stop(); err == nil {
			err = stopErr
		}
	}()
	child, err := stack.Launch(ctx, stack.Command{
		Name: "command", Dir: servers.Dir, Path: path, Args: command[1:], Inherit: true,
		Env: append(os.Environ(),
			testenv.DatabaseVariable+"="+servers.SuperuserURL, testenv.TemporalVariable+"="+servers.TemporalAddress,
			"DATABASE_URL="+servers.SuperuserURL, "TEMPORAL_ADDRESS="+servers.TemporalAddress),
		Signal: syscall.SIGINT, // the only signal that go test passes on to its tests
		Grace:  30 * time.Second,
	})
	if err != nil {
		return err
	}
	select {
	case <-child.Exited():
		return child.Err()
	case <-ctx.Done():
		_ = child.Stop()
		return fmt.Errorf("stopped by a signal; %s: %w", command[0], child.Err())
	}
}
