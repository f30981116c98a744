package devstack

import (
	"fmt"
	"net"
	"strconv"
)

// Port returns the port if it is free, or a free one for 0. what names who wants it and setting how to give it another,
// for the error.
func Port(port int, what, setting string) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, fmt.Errorf("port %d, which %s needs, is taken: stop what listens there (`ss -ltnp 'sport = :%d'` shows it), or set %s to another port",
			port, what, port, setting)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
