package stack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// lockDir creates dir if needed and locks it for this process, until unlock is called or the process ends in any way.
func lockDir(dir string) (unlock func() error, err error) {
	// Other users may traverse dir, because PostgreSQL may run as one of them. Each file in it has its own protection.
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	free, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !free {
		holder, _ := os.ReadFile(lock.Path())
		return nil, fmt.Errorf("%s is in use by the stack of process %s: stop that one first", dir, holder)
	}
	if err := os.WriteFile(lock.Path(), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock.Close, nil
}

// writePIDFile records a process and the signal that stops it. It also records when the process started, so that
// stopLeftovers does not mistake another process with the same PID for it.
func writePIDFile(path string, pid int, sig syscall.Signal) error {
	birth, err := birthOf(pid)
	if err != nil {
		birth = "unknown" // the process has already ended; Wait reports that
	}
	return os.WriteFile(path, fmt.Appendf(nil, "%d %d %s", pid, sig, birth), 0o600)
}

// stopLeftovers stops the servers, and nothing else, that a killed process has left running for the stack in dir.
// The caller holds dir's lock.
func stopLeftovers(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".pid") {
			continue
		}
		file := filepath.Join(dir, e.Name())
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if fields := strings.SplitN(string(text), " ", 3); len(fields) == 3 {
			pid, _ := strconv.Atoi(fields[0])
			sig, _ := strconv.Atoi(fields[1])
			if !endLeftover(pid, syscall.Signal(sig), fields[2]) && !endLeftover(pid, syscall.SIGKILL, fields[2]) {
				return fmt.Errorf("process %d of an earlier run (%s) can't be stopped: end it, then start again", pid, file)
			}
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// endLeftover signals the process if its birth matches, and reports whether it is gone within defaultGrace.
func endLeftover(pid int, sig syscall.Signal, birth string) bool {
	ours := func() bool {
		now, err := birthOf(pid)
		return err == nil && now == birth
	}
	if !ours() {
		return true
	}
	_ = syscall.Kill(pid, sig)
	_ = syscall.Kill(pid, syscall.SIGCONT)
	for deadline := time.Now().Add(defaultGrace); time.Now().Before(deadline); time.Sleep(pollEvery) {
		if !ours() {
			return true
		}
	}
	return false
}
