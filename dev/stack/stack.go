// Package stack starts real servers, PostgreSQL and Temporal's development server, as child processes, without
// containers. Here belongs how a server is found, built, started, watched and stopped; what dev run and tests do with them is
// theirs. It knows nothing of inorder. It needs a Unix system.
//
// Every child dies with its parent: asked to stop by Stop; on Linux also by the kernel, when the parent is killed;
// elsewhere by the next Start on the same directory.
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

// Options of a stack. The zero value is a throw-away stack on free ports, as tests want it.
type Options struct {
	Root           string    // the checkout; empty: the one that the working directory is in
	Dir            string    // state, which survives a restart; empty: a temporary directory that Stop removes
	DatabaseURL    string    // use this PostgreSQL, start none
	PostgresPort   int       // on 127.0.0.1; 0: a free one, which holds for the other ports as well
	TemporalPort   int       // gRPC
	UIPort         int       // Temporal's UI
	TemporalBinary string    // empty: "temporal" from PATH, else bin/temporal, else that is built, which takes minutes
	TemporalArgs   []string  // of its command line, after the usual ones, some of which they replace
	TemporalEnv    []string  // of its environment, likewise
	Fsync          bool      // make throw-away servers flush to disk too, as those that keep their state always do
	Connections    int       // to PostgreSQL, at most; 0: 300
	Others         []Address // must be free, too, for programs that start after the stack; else Start fails before it starts anything
	Out            io.Writer // a line for every step that takes its time; nil: nothing
}

// Stack is a running PostgreSQL and a running Temporal.
type Stack struct {
	Dir             string // of the state, with postgres.log and temporal.log
	DatabaseURL     string // of the role that owns the database, with its password: not for logs
	SuperuserURL    string // the same database, for a superuser, as tests need it; empty when Options.DatabaseURL was given
	TemporalAddress string // host:port, gRPC
	TemporalUIURL   string
	Postgres        *Server // nil when Options.DatabaseURL was given
	Temporal        *Server

	cleanup []func() error // in the order of their making; run backwards
}

// Start returns when both servers answer, or an error when one does not, and then nothing is left running.
// Only one process at a time can have the stack of a directory. Canceling ctx stops a Start, not the stack.
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
	if o.TemporalBinary == "" { // before any server, since it may have to be built
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

// takeDir locks the directory, or a new temporary one if it is empty, and stops what an earlier stack left running there.
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

// choosePorts replaces zeros by free ports, and returns every address that is taken.
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

// Stop stops Temporal, then PostgreSQL, each within its time, and removes a throw-away stack's directory.
// Stopping twice is harmless.
func (s *Stack) Stop() error {
	var errs []error
	for len(s.cleanup) > 0 {
		last := len(s.cleanup) - 1
		errs = append(errs, s.cleanup[last]())
		s.cleanup = s.cleanup[:last]
	}
	return errors.Join(errs...)
}

// Remove deletes the state that a stack has kept in dir, and dir. It must not be running; if there is none, that is fine.
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
