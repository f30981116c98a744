package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"

	"inorder/internal/devstack"
	"inorder/internal/devstack/testenv"
)

// runTests runs a command with servers of its own, which it finds in the environment: under the names that the tests
// look for, and under those that inorder reads.
func runTests(ctx context.Context, root string, args []string) (err error) {
	stack, err := devstack.Start(ctx, devstack.Options{Root: root, Out: os.Stderr})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stack.Stop()) }()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(),
		testenv.DatabaseVariable+"="+stack.DatabaseURL, testenv.TemporalVariable+"="+stack.TemporalAddress,
		"DATABASE_URL="+stack.DatabaseURL, "TEMPORAL_ADDRESS="+stack.TemporalAddress)
	p, err := devstack.StartProcess(args[0], cmd, "", syscall.SIGTERM)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.Stop())
	case <-p.Done():
		return p.Err()
	}
}
