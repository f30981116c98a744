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

// Command describes how a server is started, when it is ready, and how it is stopped.
type Command struct {
	Name    string                      // used in messages and for its files, Name.log and Name.pid
	Dir     string                      // where those files are
	Path    string                      // the program
	Args    []string                    // its arguments
	Env     []string                    // its whole environment; nil: ours
	Work    string                      // its working directory; empty: ours
	Inherit bool                        // write to our standard output and error instead of the log file
	Ready   func(context.Context) error // polled until it returns nil, for up to a minute; nil: ready at once
	Signal  syscall.Signal              // asks the server to stop; 0: SIGTERM
	Grace   time.Duration               // time between Signal and SIGKILL; 0: ten seconds

	user *account // runs the server; nil: our own account
}

// Server is a child process that can be restarted after it ended. Its methods are safe for concurrent use,
// except that only one goroutine may call Start.
type Server struct {
	Command
	mu  sync.Mutex
	run *run
}

// run is one life of a server.
type run struct {
	pid  int
	done chan struct{} // closed when the process has ended
	err  error         // what exec.Cmd.Wait returned; set before done is closed
}

// Launch truncates the log, starts c and returns when the server is ready.
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

// Start restarts the server after Stop, Kill or a crash, and returns when it is ready.
// If the server ends before that, the error contains the last lines of its log.
func (s *Server) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not ready within %s", startLimit))
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

// transient reports whether a failed start is worth repeating. There are two such failures: the children of a killed
// PostgreSQL still hold its shared memory, or another program took a free port that Temporal had picked for one of its services.
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
			return fmt.Errorf("%s exited during startup: %s", s.Name, s.End())
		case <-ctx.Done():
			err := fmt.Errorf("start %s: %w (last answer: %w)%s", s.Name, context.Cause(ctx), last, s.tail())
			return errors.Join(err, s.Stop())
		case <-time.After(pollEvery):
		}
	}
}

// ask calls Ready once, with a timeout, so that a server that is up but hangs is noticed.
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
	// A process group of its own: the terminal's Ctrl-C reaches only us, and we stop the servers in the right order.
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

// PID returns the process ID of the current or the last life.
func (s *Server) PID() int { return s.current().pid }

// Exited returns a channel that is closed when the current life ends, for whatever reason.
func (s *Server) Exited() <-chan struct{} { return s.current().done }

// Err waits until the server ends and returns the result of exec.Cmd.Wait: nil for exit status 0.
func (s *Server) Err() error {
	r := s.current()
	<-r.done
	return r.err
}

// End waits like Err and describes the result, with the last lines of the log.
func (s *Server) End() string {
	how := "exit status 0"
	if err := s.Err(); err != nil {
		how = err.Error()
	}
	return how + s.tail()
}

// Stop asks the server to stop, kills it after its grace period, and returns when it is gone. It returns an error
// if the server had to be killed, and nil if it had already ended.
func (s *Server) Stop() error {
	r := s.current()
	if r.end(s.Signal, s.Grace) {
		return os.RemoveAll(s.pidFile())
	}
	r.end(syscall.SIGKILL, defaultGrace)
	return fmt.Errorf("%s (pid %d) did not stop within %s and was killed%s", s.Name, r.pid, s.Grace, s.tail())
}

// Kill sends SIGKILL, to simulate a crash, and returns when the server is gone.
func (s *Server) Kill() { s.current().end(syscall.SIGKILL, defaultGrace) }

// LogFile returns the path of the server's log. Nothing is written there if Inherit is set.
func (s *Server) LogFile() string { return filepath.Join(s.Dir, s.Name+".log") }

func (s *Server) pidFile() string { return filepath.Join(s.Dir, s.Name+".pid") }

func (s *Server) current() *run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run
}

// end signals the process group once and reports whether its leader ended within the time.
func (r *run) end(sig syscall.Signal, within time.Duration) bool {
	select {
	case <-r.done:
		return true
	default:
	}
	_ = syscall.Kill(-r.pid, sig)
	_ = syscall.Kill(-r.pid, syscall.SIGCONT) // somebody may have paused it, and then only SIGKILL would work
	select {
	case <-r.done:
		return true
	case <-time.After(within):
		return false
	}
}

// tail returns the last lines of the log, to be appended to an error.
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
