package stack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/gofrs/flock"
)

const loopback = "127.0.0.1"

// reserved are the locks of the ports that this process was given. They end with it.
var reserved struct {
	sync.Mutex
	locks []*flock.Flock
}

// FreePort finds a TCP port of 127.0.0.1 that nobody has, and reserves it while this process lives: no other call returns it, in no process of this
// user. So it stays free until, and while, the program that it is for is started again. It is below those that systems hand out to who asks for any port.
func FreePort() (int, error) {
	const from, to, tries = 20_000, 32_000, 100
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("inorder-ports-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, fmt.Errorf("reserve a port: %w", err)
	}
	var taken error
	for range tries {
		port := from + rand.IntN(to-from)
		lock := flock.New(filepath.Join(dir, strconv.Itoa(port)))
		if ours, err := lock.TryLock(); err != nil {
			return 0, fmt.Errorf("reserve a port: %w", err)
		} else if !ours {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
		if err != nil {
			taken = errors.Join(err, lock.Close())
			continue
		}
		reserved.Lock()
		defer reserved.Unlock()
		reserved.locks = append(reserved.locks, lock)
		return port, l.Close()
	}
	return 0, fmt.Errorf("find a free port: %w", taken)
}

// Address is one that a program wants to listen on.
type Address struct {
	Addr    string // host:port
	Who     string // wants it
	Setting string // the environment variable that can choose another
}

func (a Address) checkFree() error {
	l, err := net.Listen("tcp", a.Addr)
	if err != nil {
		return fmt.Errorf("%s can't have its port: %w\nstop what has it (ss -ltnp shows it), or choose another with %s",
			a.Who, err, a.Setting)
	}
	return l.Close()
}
