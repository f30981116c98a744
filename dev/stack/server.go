package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	pollEvery    = 50 * time.Millisecond
	startLimit   = time.Minute
	defaultGrace = 10 * time.Second
)

// Command is how a server is started, found ready and stopped.
type Command struct {
	Name    string                      // in messages, and of its files: Name.log and Name.pid
	Dir     string                      // where those files are
	Path    string                      // the program
	Args    []string                    // its arguments
	Env     []string                    // its whole environment; nil: ours
	Work    string                      // its working directory; empty: ours
	Inherit bool                        // write to our standard output and error instead of the log file
	Ready   func(context.Context) error // polled until it returns nil, for up to a minute; nil: ready at once
	Signal  syscall.Signal              // asks it to stop; 0: SIGTERM
	Grace   time.Duration               // from there to SIGKILL; 0: ten seconds

	user *account // that runs it; nil: our own
}

// Server is a child process that can be started again after it ended. Its methods are safe for concurrent use,
// except that only one goroutine may start it.
type Server struct {
	Command
	mu  sync.Mutex
	run *run
}

// run is one life of a server.
type run struct {
	pid  int
	done chan struct{} // closed when it ended
	err  error         // how, from then on
}

// Launch starts c, with an empty log.
func Launch(ctx context.Context, c Command) (*Server, error) {
	if c.Signal == 0 {
		c.Signal = syscall.SIGTERM
	}
	if c.Grace == 0 {
		c.Grace = defaultGrace
	}
	s := &Server{Command: c}
	if !c.Inherit {
		if err := os.WriteFile(s.LogFile(), nil, 0o600); err != nil {
			return nil, err
		}
	}
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Start starts the server once more, after Stop, Kill or a death of its own, and returns when it is ready.
// If it ends before that, the error holds the last lines of its log.
func (s *Server) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("it was not ready within %s", startLimit))
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := s.startOnce(ctx)
		if err == nil || !transient(err) || attempt == 10 {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(5 * pollEvery):
		}
	}
}

// transient is true of two ends of a start: a killed PostgreSQL's children need a moment to let go of its memory, and
// one of the free ports that Temporal picks for its services may be gone when it comes to use it.
func transient(err error) bool {
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "is still in use") || strings.Contains(text, "address already in use")
}

func (s *Server) startOnce(ctx context.Context) error {
	r, err := s.fork()
	if err != nil {
		return fmt.Errorf("start %s: %w", s.Name, err)
	}
	s.mu.Lock()
	s.run = r
	s.mu.Unlock()
	if s.Ready == nil {
		return nil
	}
	for {
		last := s.ask(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-r.done:
			return fmt.Errorf("%s ended while it started: %s", s.Name, s.End())
		case <-ctx.Done():
			err := fmt.Errorf("start %s: %w (last answer: %w)%s", s.Name, context.Cause(ctx), last, s.tail())
			return errors.Join(err, s.Stop())
		case <-time.After(pollEvery):
		}
	}
}

// ask bounds one question, so that a server that is up but hangs is seen to.
func (s *Server) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return s.Ready(ctx)
}

func (s *Server) fork() (*run, error) {
	cmd := exec.Command(s.Path, s.Args...)
	cmd.Env, cmd.Dir = s.Env, s.Work
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if !s.Inherit {
		log, err := os.OpenFile(s.LogFile(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		defer log.Close()
		cmd.Stdout, cmd.Stderr = log, log
	}
	// A group of its own: the terminal's Ctrl-C is for us, and we stop the servers in their order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.user.credential()}
	dieWithParent(cmd.SysProcAttr, s.Signal)
	if err := startOnLastingThread(cmd); err != nil {
		return nil, err
	}
	r := &run{pid: cmd.Process.Pid, done: make(chan struct{})}
	if err := writePIDFile(s.pidFile(), r.pid, s.Signal); err != nil {
		_ = cmd.Process.Kill()
		return nil, errors.Join(err, cmd.Wait())
	}
	go func() {
		r.err = cmd.Wait()
		close(r.done)
	}()
	return r, nil
}

// PID is that of the current or the last life.
func (s *Server) PID() int { return s.current().pid }

// Exited is closed when the current life ends, for whatever reason.
func (s *Server) Exited() <-chan struct{} { return s.current().done }

// Err waits for the end and is what exec.Cmd.Wait says of it: nil for exit status 0.
func (s *Server) Err() error {
	r := s.current()
	<-r.done
	return r.err
}

// End is Err in words, with the last lines of the log.
func (s *Server) End() string {
	how := "exit status 0"
	if err := s.Err(); err != nil {
		how = err.Error()
	}
	return how + s.tail()
}

// Stop asks the server to stop, kills it when its grace is over, and returns when it is gone. One that has ended
// already is fine; one that had to be killed is an error.
func (s *Server) Stop() error {
	r := s.current()
	if r.end(s.Signal, s.Grace) {
		return os.RemoveAll(s.pidFile())
	}
	r.end(syscall.SIGKILL, defaultGrace)
	return fmt.Errorf("%s (pid %d) did not stop within %s and was killed%s", s.Name, r.pid, s.Grace, s.tail())
}

// Kill ends the server the hard way, as a crash would, and returns when it is gone.
func (s *Server) Kill() { s.current().end(syscall.SIGKILL, defaultGrace) }

// LogFile is where the server's output goes, unless Inherit is set.
func (s *Server) LogFile() string { return filepath.Join(s.Dir, s.Name+".log") }

func (s *Server) pidFile() string { return filepath.Join(s.Dir, s.Name+".pid") }

func (s *Server) current() *run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run
}

// end signals the process group, once, and reports whether its leader ended in time.
func (r *run) end(sig syscall.Signal, within time.Duration) bool {
	select {
	case <-r.done:
		return true
	default:
	}
	_ = syscall.Kill(-r.pid, sig)
	_ = syscall.Kill(-r.pid, syscall.SIGCONT) // somebody may have paused it
	select {
	case <-r.done:
		return true
	case <-time.After(within):
		return false
	}
}

// tail is what the log ends with, to go behind an error.
func (s *Server) tail() string {
	if s.Inherit {
		return ""
	}
	text, err := os.ReadFile(s.LogFile())
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if err != nil || lines[0] == "" {
		return ""
	}
	return fmt.Sprintf("\nthe end of %s:\n  %s", s.LogFile(), strings.Join(lines[max(0, len(lines)-12):], "\n  "))
}
