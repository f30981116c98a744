// Package stack starts real servers, PostgreSQL and Temporal's development server, as child processes, without
// containers. It finds, builds, starts, watches and stops them. What `dev run` and tests do with the servers does not belong
// here: the package runs no part of inorder. It needs a Unix system.
//
// Every child ends with its parent. Stop stops the children. If the parent is killed, the kernel signals them on Linux;
// elsewhere, the next Start on the same directory stops them.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Options configure a stack. The zero value is a throw-away stack on free ports, for tests.
type Options struct {
	Root           string    // the checkout; empty: the one that contains the working directory
	Dir            string    // holds the state, which survives a restart; empty: a temporary directory that Stop removes
	DatabaseURL    string    // use this PostgreSQL instead of starting one
	PostgresPort   int       // on 127.0.0.1, like the other ports; 0 in any of them: a free port
	TemporalPort   int       // gRPC
	UIPort         int       // Temporal's UI
	TemporalBinary string    // empty: "temporal" from PATH, else bin/temporal, which is built if it is missing (minutes)
	TemporalArgs   []string  // more arguments for Temporal, after the default ones; they may override some of those
	TemporalEnv    []string  // more environment variables for Temporal, likewise
	Fsync          bool      // make throw-away servers flush to disk too; servers that keep their state always do
	Connections    int       // PostgreSQL's limit of connections; 0: 300
	Others         []Address // of programs that start after the stack; if one is taken, Start fails before it starts anything
	Out            io.Writer // receives a line for every slow step; nil: discarded
}

// Stack is a running PostgreSQL and a running Temporal.
type Stack struct {
	Dir             string // holds the state, postgres.log and temporal.log
	DatabaseURL     string // for the role that owns the database; contains its password, so never log it
	SuperuserURL    string // the same database as a superuser, for tests; empty when Options.DatabaseURL was given
	TemporalAddress string // host:port, gRPC
	TemporalUIURL   string
	Postgres        *Server // nil when Options.DatabaseURL was given
	Temporal        *Server

	cleanup []func() error // run last to first
}

// Start returns when both servers answer. If it returns an error, it has stopped everything that it started.
// Only one process at a time can use a directory. Canceling ctx aborts Start; it does not stop a running stack.
func Start(ctx context.Context, o Options) (_ *Stack, err error) {
	s := &Stack{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Root == "" {
		if o.Root, err = Root(); err != nil {
			return nil, err
		}
	}
	throwAway := o.Dir == ""
	fsync := !throwAway || o.Fsync
	if err = s.takeDir(o.Dir); err != nil {
		return nil, err
	}
	if err = o.choosePorts(); err != nil {
		return nil, err
	}
	if o.TemporalBinary == "" { // before any server starts, because a build takes minutes
		if o.TemporalBinary, err = TemporalCLI(ctx, o.Root, o.Out); err != nil {
			return nil, err
		}
	}
	s.DatabaseURL = o.DatabaseURL
	if o.DatabaseURL == "" {
		pg := &postgres{dir: s.Dir, port: o.PostgresPort, fsync: fsync, connections: o.Connections, root: o.Root, out: o.Out}
		if throwAway {
			s.cleanup = append(s.cleanup, pg.remove)
		}
		if s.Postgres, err = pg.start(ctx); err != nil {
			return nil, err
		}
		s.DatabaseURL, s.SuperuserURL = pg.url(pg.owner, "inorder"), pg.url(pg.superuser, "inorder")
		s.cleanup = append(s.cleanup, s.Postgres.Stop)
	}
	t := &temporal{dir: s.Dir, binary: o.TemporalBinary, port: o.TemporalPort, uiPort: o.UIPort, fsync: fsync, args: o.TemporalArgs, env: o.TemporalEnv}
	if s.Temporal, err = t.start(ctx); err != nil {
		return nil, err
	}
	s.cleanup = append(s.cleanup, s.Temporal.Stop)
	s.TemporalAddress, s.TemporalUIURL = t.address(), t.uiURL()
	return s, nil
}

// takeDir locks dir, or a new temporary directory if dir is empty, and stops servers that an earlier stack left running there.
func (s *Stack) takeDir(dir string) (err error) {
	if dir == "" {
		if s.Dir, err = os.MkdirTemp("", "inorder-test-"); err != nil {
			return fmt.Errorf("make a directory for throw-away servers: %w", err)
		}
		s.cleanup = append(s.cleanup, func() error { return os.RemoveAll(s.Dir) })
	} else if s.Dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	unlock, err := lockDir(s.Dir)
	if err != nil {
		return err
	}
	s.cleanup = append(s.cleanup, unlock)
	return stopLeftovers(s.Dir)
}

// choosePorts replaces zeros with free ports. The error names every requested address that is taken.
func (o *Options) choosePorts() (err error) {
	ports := []struct {
		port         *int
		who, setting string
	}{
		{&o.PostgresPort, "PostgreSQL", "POSTGRES_PORT"},
		{&o.TemporalPort, "Temporal", "TEMPORAL_PORT"},
		{&o.UIPort, "Temporal's UI", "TEMPORAL_UI_PORT"},
	}
	if o.DatabaseURL != "" {
		ports = ports[1:]
	}
	all := o.Others
	for _, p := range ports {
		if *p.port != 0 {
			all = append(all, Address{loopback + ":" + strconv.Itoa(*p.port), p.who, p.setting})
		} else if *p.port, err = FreePort(); err != nil {
			return err
		}
	}
	var errs []error
	for _, a := range all {
		errs = append(errs, a.checkFree())
	}
	return errors.Join(errs...)
}

// Stop stops Temporal, then PostgreSQL, and kills either after its grace period. It removes a throw-away stack's directory.
// It may be called twice.
func (s *Stack) Stop() error {
	var errs []error
	for len(s.cleanup) > 0 {
		last := len(s.cleanup) - 1
		errs = append(errs, s.cleanup[last]())
		s.cleanup = s.cleanup[:last]
	}
	return errors.Join(errs...)
}

// Remove deletes dir with the state of a stack. It fails while the stack is running, and does nothing if dir does not exist.
func Remove(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	unlock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := stopLeftovers(dir); err != nil {
		return err
	}
	account, err := postgresAccount(filepath.Join(dir, "postgres"))
	if err != nil {
		return err
	}
	home, err := account.home(dir)
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(home), os.RemoveAll(dir))
}
