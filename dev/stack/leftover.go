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

// lockDir makes dir if need be and takes it for this process, until unlock or its end, however that comes.
func lockDir(dir string) (unlock func() error, err error) {
	// Others may pass through, since PostgreSQL may run as another user; files in it are protected one by one.
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

// writePIDFile records a process, with the signal that it stops on, so that stopLeftovers does not take another
// process with the same number for it.
func writePIDFile(path string, pid int, sig syscall.Signal) error {
	birth, err := birthOf(pid)
	if err != nil {
		birth = "unknown" // it has ended already, as its Wait reports
	}
	return os.WriteFile(path, fmt.Appendf(nil, "%d %d %s", pid, sig, birth), 0o600)
}

// stopLeftovers stops what a killed process has left running of the stack in dir, and only that. The caller has
// dir's lock.
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

// endLeftover signals the process if it is the one born then, and reports whether it is gone in time.
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
