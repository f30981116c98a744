package stack

import (
	"fmt"
	"net"
)

const loopback = "127.0.0.1"

// FreePort finds a TCP port of 127.0.0.1 that nobody has. It is not reserved, but the system will not hand it out as
// a free one for a minute: a connection that the listening side has closed lingers on it.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", loopback+":0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().(*net.TCPAddr).Port, server.Close()
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
