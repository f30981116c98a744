package activities_test

import (
	"bytes"
	"context"
	"net"
	"sync"
)

// wire counts round trips, and can break connections.
type wire struct {
	mu    sync.Mutex
	trips int
	lose  string // the answer to a write that contains this is lost, and the connection with it
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	return &wireConn{Conn: c, wire: w}, err
}

// count runs f and returns how many round trips it took.
func (w *wire) count(f func()) int {
	w.mu.Lock()
	w.trips = 0
	w.mu.Unlock()
	f()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trips
}

// loseAnswerTo breaks the connection, once, when the server answers a write that contains sql.
func (w *wire) loseAnswerTo(sql string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = sql
}

// wireConn counts a round trip for each write that follows a read.
type wireConn struct {
	net.Conn
	*wire
	asked bool // written since the last read
	lost  bool
}

func (c *wireConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	if !c.asked {
		c.asked = true
		c.trips++
	}
	if c.lose != "" && bytes.Contains(b, []byte(c.lose)) {
		c.lost, c.lose = true, ""
	}
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *wireConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = false
	if c.lost && n > 0 {
		c.Conn.Close()
		return 0, net.ErrClosed
	}
	return n, err
}
