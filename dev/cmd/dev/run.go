package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"inorder/dev/stack"
)

// A program that ends quickFor times in a row, each time within quick of its start, is not restarted.
const (
	quick    = 10 * time.Second
	quickFor = 3
)

// run runs the whole system until ctx ends, and then returns nil, or until a program can't be kept running. It restarts
// a server that ends by itself or is killed, so that a developer can kill one and watch the recovery.
func run(ctx context.Context, dir, inorder, standIn string) error {
	s, err := newSettings(dir, inorder, standIn)
	if err != nil {
		return err
	}
	fmt.Println("Starting PostgreSQL and Temporal")
	servers, err := stack.Start(ctx, s.options())
	if err == nil {
		err = errors.Join(runInorder(ctx, s, servers), servers.Stop())
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) { // stopped while it started
		err = nil
	}
	if err == nil {
		fmt.Println("Everything is stopped. Its state is kept in", s.dir)
	}
	return err
}

// runInorder runs our programs, and stops them before it returns: the servers that they need must stop later.
func runInorder(ctx context.Context, s settings, servers *stack.Stack) (err error) {
	if err := os.RemoveAll(s.envFile()); err != nil { // of a run that was killed
		return err
	}
	if err := s.once(ctx, servers, "migrate"); err != nil {
		return err
	}
	p := programs{settings: s, servers: servers}
	defer func() {
		fmt.Println("Stopping")
		err = errors.Join(err, os.RemoveAll(s.envFile()), p.stop())
	}()
	if err := p.start(ctx); err != nil {
		return err
	}
	s.greet(os.Stdout, servers, p.standIn)
	return keepRunning(ctx, p.all(), func(restarted *stack.Server) error { return p.changed(ctx, restarted) })
}

// keepRunning restarts each server that ends, and then calls changed with it, until ctx ends or a server ends too often.
func keepRunning(ctx context.Context, servers []*stack.Server, changed func(*stack.Server) error) error {
	ended := make(chan *stack.Server)
	watch := func(s *stack.Server) {
		select {
		case <-s.Exited():
			select {
			case ended <- s:
			case <-ctx.Done():
			}
		case <-ctx.Done():
		}
	}
	began, quickly := map[*stack.Server]time.Time{}, map[*stack.Server]int{}
	for _, s := range servers {
		began[s] = time.Now()
		go watch(s)
	}
	for {
		var s *stack.Server
		select {
		case <-ctx.Done():
			return nil
		case s = <-ended:
		}
		if quickly[s]++; time.Since(began[s]) > quick {
			quickly[s] = 0
		}
		if quickly[s] == quickFor {
			return fmt.Errorf("%s ended %d times within %s of its start: %s", s.Name, quickFor, quick, s.End())
		}
		fmt.Printf("\n%s (pid %d) ended by itself: %s\nRestarting it\n", s.Name, s.PID(), s.End())
		began[s] = time.Now()
		if err := s.Start(ctx); err != nil {
			return err
		}
		if err := changed(s); err != nil {
			return err
		}
		fmt.Printf("%s is back (pid %d)\n\n", s.Name, s.PID())
		go watch(s)
	}
}

// command returns a command of inorder, with the whole system in its environment. Its output goes to our terminal.
func (s settings) command(servers *stack.Stack, args ...string) stack.Command {
	return stack.Command{
		Name: args[0], Dir: s.dir, Path: s.inorder, Args: args, Env: s.env(servers), Inherit: true,
		Grace: 30 * time.Second, // inorder still answers the requests that it has begun
		Ready: s.receiverReady,
	}
}

// once runs a command of inorder and waits for it to end.
func (s settings) once(ctx context.Context, servers *stack.Stack, args ...string) error {
	c := s.command(servers, args...)
	c.Ready = nil
	p, err := stack.Launch(ctx, c)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), p.Stop())
	case <-p.Exited():
		err := p.Err()
		if err != nil {
			err = fmt.Errorf("inorder %s: %w", strings.Join(args, " "), err)
		}
		return errors.Join(err, p.Stop())
	}
}

func (s settings) receiverReady(ctx context.Context) error {
	return answers(ctx, s.receiverURL()+"/readyz")
}
