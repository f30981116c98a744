package stack

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

const loopback = "127.0.0.1"

// FreePort finds a TCP port of 127.0.0.1 that nobody has. It is not reserved. It is below those that systems hand out to who asks for any
// port, so that it stays free until, and while, the one that it is for is started again.
func FreePort() (int, error) {
	const from, to, tries = 20_000, 32_000, 100
	var err error
	for range tries {
		port := from + rand.IntN(to-from)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("find a free port: %w", err)
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
