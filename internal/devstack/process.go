package devstack

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a child that writes to a log file. It ends when its parent does, on Linux also when that is killed.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  string // its file; empty if it shares its parent's output
	stop syscall.Signal
	done chan struct{}
	err  error // of Wait, once done
}

// stopTimeout is how long a child may take to end by itself before it is killed.
const stopTimeout = 20 * time.Second

// StartProcess starts a child in a process group of its own, so that a Ctrl-C in the terminal reaches only its parent, which stops
// its children in order. stop is the signal that asks it to end. Its output goes to the file log, or if that is empty
// where cmd says.
func StartProcess(name string, cmd *exec.Cmd, log string, stop syscall.Signal) (*Process, error) {
	if log != "" {
		f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		cmd.Stdout, cmd.Stderr = f, f
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	endWithParent(cmd.SysProcAttr, stop)
	p := &Process{name: name, cmd: cmd, log: log, stop: stop, done: make(chan struct{})}
	if err := spawn(cmd); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID is the child's process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is what the child ended with. It may be read once Done is closed.
func (p *Process) Err() error { return p.err }

// Stop asks the child to end, waits for it, and kills it when it takes too long. A nil Process is stopped already.
func (p *Process) Stop() error {
	if p == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(p.stop)
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTimeout):
	}
	err := p.cmd.Process.Kill()
	<-p.done
	return errors.Join(fmt.Errorf("%s did not end within %s and was killed", p.name, stopTimeout), err)
}

// earlyEnd says how the child ended, with the last lines of its log.
func (p *Process) earlyEnd() error {
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(string(bytes.TrimSpace(text)), "\n")
	lines = lines[max(0, len(lines)-15):]
	return fmt.Errorf("%s ended by itself (%v). The end of %s:\n  %s", p.name, p.err, p.log, strings.Join(lines, "\n  "))
}

// The kernel sends the signal of a parent's death when the thread that started the child ends, so one thread that never
// ends starts them all.
var spawner = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

func spawn(cmd *exec.Cmd) error {
	err := make(chan error)
	spawner() <- func() { err <- cmd.Start() }
	return <-err
}
