package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"inorder/dev/stack"
)

// suffer carries out the plan's steps, and returns when the last fault has ended.
func (s *system) suffer(ctx context.Context, settled func(context.Context) error) {
	for _, step := range s.plan.Steps {
		pause(ctx, step.Pause)
		var faults sync.WaitGroup
		for _, f := range step.Faults {
			faults.Go(func() {
				pause(ctx, f.After)
				if ctx.Err() != nil {
					return
				}
				s.note(f.String())
				if err := s.fault(ctx, f, settled); err != nil {
					s.note(fmt.Sprintf("%s: %v", f, err))
				}
			})
		}
		faults.Wait()
	}
}

// fault begins and ends one fault.
func (s *system) fault(ctx context.Context, f Fault, settled func(context.Context) error) error {
	if p, is := s.proxies[f.Target]; is {
		begin := map[Kind]func() func(){Cut: p.Cut, Freeze: p.Freeze, Mute: p.Mute}[f.Kind]
		end := begin()
		pause(ctx, f.For)
		end()
		return nil
	}
	server := s.server(f.Target)
	switch f.Kind {
	case Empty:
		return s.empty(ctx, settled)
	case Full:
		return s.full(ctx, f.For)
	case Crash:
		if children := descendants(server.PID()); len(children) > 0 {
			return syscall.Kill(children[len(children)/2], syscall.SIGKILL)
		}
		return nil
	case Stop:
		signalTree(server.PID(), syscall.SIGSTOP)
		pause(ctx, f.For)
		signalTree(server.PID(), syscall.SIGCONT)
		return nil
	}
	if p, is := s.processes[f.Target]; is {
		p.held.Lock()
		defer p.held.Unlock() // then the process's supervisor restarts it
		server.Kill()
		pause(ctx, f.For)
		return nil
	}
	killTree(server)
	pause(ctx, f.For)
	return server.Start(context.WithoutCancel(ctx))
}

func (s *system) server(name string) *stack.Server {
	switch name {
	case postgres:
		return s.stack.Postgres
	case temporal:
		return s.stack.Temporal
	}
	return s.processes[name].server
}

// full fills PostgreSQL's disk for a while. PostgreSQL may exit because of that; then full restarts it.
func (s *system) full(ctx context.Context, d time.Duration) error {
	if err := s.disk.fill(); err != nil {
		return err
	}
	pause(ctx, d)
	if err := s.disk.free(); err != nil {
		return err
	}
	select {
	case <-s.stack.Postgres.Exited():
		s.note("PostgreSQL exited because its disk was full")
		return s.stack.Postgres.Start(context.WithoutCancel(ctx))
	default:
		return nil
	}
}

// empty deletes Temporal's storage while no event is being applied. `inorder recover` then restores the waiting events from PostgreSQL.
func (s *system) empty(ctx context.Context, settled func(context.Context) error) error {
	s.quiet.Lock()
	defer s.quiet.Unlock()
	waiting, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	if err := settled(waiting); err != nil {
		return fmt.Errorf("skipped, because events are still being processed: %w", err)
	}
	s.stack.Temporal.Kill()
	files, err := filepath.Glob(filepath.Join(s.stack.Dir, "temporal", "temporal.db*"))
	if len(files) == 0 {
		return errors.Join(errors.New("found no files of Temporal's storage"), err)
	}
	for _, f := range files {
		err = errors.Join(err, os.Remove(f))
	}
	if err := errors.Join(err, s.stack.Temporal.Start(context.WithoutCancel(ctx))); err != nil {
		return err
	}
	for _, name := range []string{"migrate", "recover"} {
		out, err := s.command(ctx, name)
		s.note("inorder " + name + " after Temporal's storage was lost: " + lastLine(out))
		if err != nil {
			return fmt.Errorf("inorder %s: %w", name, err)
		}
	}
	return nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
