// Package devstack starts real servers, PostgreSQL and the Temporal development server, for development and for tests
// that run end to end. It needs no container and no privileges. Production never links it.
package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Options say what to start and where.
type Options struct {
	// Root is the checkout: its bin/ is where the Temporal CLI is looked for, and built if there is none.
	Root string
	// Dir keeps the servers' state. Empty: a temporary one, which Stop removes.
	Dir string
	// DatabaseURL names a PostgreSQL that is there already. None is started then.
	DatabaseURL string
	// Ports; 0 takes a free one.
	PostgresPort, TemporalPort, UIPort int
	// Out is told what is going on whenever something takes long.
	Out io.Writer
}

// Stack are the servers that run.
type Stack struct {
	DatabaseURL     string
	TemporalAddress string
	TemporalUIURL   string
	PostgresPID     int // 0 when DatabaseURL was given
	TemporalPID     int

	dir       string
	temporary bool
	postgres  *Process
	temporal  *Process
}

// startTimeout bounds how long a server may take until it answers, recovery after a crash included.
const startTimeout = 90 * time.Second

// Start starts the servers and returns when they answer. If one of them does not, nothing is left running.
func Start(ctx context.Context, o Options) (s *Stack, err error) {
	cli, err := TemporalCLI(ctx, o.Root, o.Out)
	if err != nil {
		return nil, err
	}
	s = &Stack{dir: o.Dir, temporary: o.Dir == "", DatabaseURL: o.DatabaseURL}
	if s.temporary {
		if s.dir, err = os.MkdirTemp("", "inorder-"); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	if err := errors.Join(os.MkdirAll(s.dir, 0o755), os.Chmod(s.dir, 0o755)); err != nil { // PostgreSQL may be another account
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if o.DatabaseURL == "" {
		if s.postgres, s.DatabaseURL, err = startPostgres(ctx, s.dir, o); err != nil {
			return nil, fmt.Errorf("start PostgreSQL: %w", err)
		}
		s.PostgresPID = s.postgres.PID()
	}
	if s.temporal, err = startTemporal(ctx, cli, filepath.Join(s.dir, "temporal"), o, s); err != nil {
		return nil, fmt.Errorf("start Temporal: %w", err)
	}
	s.TemporalPID = s.temporal.PID()
	return s, nil
}

// Stop stops what was started, Temporal first, each within a bounded time. It may be called twice.
func (s *Stack) Stop() error {
	err := errors.Join(s.temporal.Stop(), s.postgres.Stop())
	if s.temporary {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// Died returns when a server ends by itself, with an error that shows the end of its log, or when ctx ends.
func (s *Stack) Died(ctx context.Context) error {
	var postgres <-chan struct{}
	if s.postgres != nil {
		postgres = s.postgres.Done()
	}
	select {
	case <-ctx.Done():
		return nil
	case <-postgres:
		return s.postgres.earlyEnd()
	case <-s.temporal.Done():
		return s.temporal.earlyEnd()
	}
}
