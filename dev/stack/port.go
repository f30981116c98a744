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

// reserved holds the locks of the ports that FreePort gave to this process. The locks end with the process.
var reserved struct {
	sync.Mutex
	locks []*flock.Flock
}

// FreePort returns a free TCP port of 127.0.0.1 and reserves it for the life of this process: no other call of FreePort returns it, in any process of this
// user. So the port is still free when its program starts or restarts. It is below the range that systems use for ephemeral ports.
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

// Address is an address that a program is going to listen on.
type Address struct {
	Addr    string // host:port
	Who     string // the program, for messages
	Setting string // the environment variable that changes the address
}

func (a Address) checkFree() error {
	l, err := net.Listen("tcp", a.Addr)
	if err != nil {
		return fmt.Errorf("%s can't listen on its port: %w\nstop the process that uses it (ss -ltnp shows it), or choose another with %s",
			a.Who, err, a.Setting)
	}
	return l.Close()
}
