package receiver

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// listener adds to a listener what the HTTP server lacks for a clean end: it does not give up when accepting fails for a
// while, and when it is closed it closes the connections that nothing was ever sent on, which the server would wait for.
type listener struct {
	net.Listener
	log       *slog.Logger
	accepting chan struct{} // closed at the first Accept
	once      sync.Once

	mu     sync.Mutex
	closed bool
	conns  map[*conn]struct{}
}

func newListener(l net.Listener, log *slog.Logger) *listener {
	return &listener{Listener: l, log: log, accepting: make(chan struct{}), conns: map[*conn]struct{}{}}
}

// acceptPause is between two attempts to accept, such as when the process has too many open files.
const acceptPause = 100 * time.Millisecond

// Accept fails only once the listener is closed.
func (l *listener) Accept() (net.Conn, error) {
	l.once.Do(func() { close(l.accepting) })
	for {
		accepted, err := l.Listener.Accept()
		if err == nil {
			return l.track(accepted)
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		l.log.Error("cannot accept connections", "cause", err)
		time.Sleep(acceptPause)
	}
}

func (l *listener) track(accepted net.Conn) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = accepted.Close()
		return nil, net.ErrClosed
	}
	c := &conn{Conn: accepted, listener: l}
	l.conns[c] = struct{}{}
	return c, nil
}

func (l *listener) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.conns {
		if !c.used.Load() {
			_ = c.Conn.Close()
		}
	}
	return err
}

func (l *listener) closeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Conn.Close()
	}
}

type conn struct {
	net.Conn
	listener *listener
	used     atomic.Bool // something was read
	lingers  atomic.Bool
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.used.Store(true)
	}
	return n, err
}

// SetWriteDeadline reports no error: the server panics on one, which it gets when a request comes at the moment that
// the connection is closed as an idle one. Writing fails then anyway.
func (c *conn) SetWriteDeadline(t time.Time) error {
	_ = c.Conn.SetWriteDeadline(t)
	return nil
}

func (c *conn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c)
	c.listener.mu.Unlock()
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !c.lingers.Load() || !ok || half.CloseWrite() != nil {
		return c.Conn.Close()
	}
	go c.drain()
	return nil
}

// What a sender may go on sending after it was refused.
const (
	lingerTime  = time.Second
	lingerBytes = 8 << 20
)

// drain discards what the sender still sends: closing at once would reset the connection, and take the answer with it.
func (c *conn) drain() {
	_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	_ = c.Conn.Close()
}

// linger makes the connection, once it is closed, wait for a sender that has not sent everything.
func linger(c net.Conn) {
	if c, ok := c.(*conn); ok {
		c.lingers.Store(true)
	}
}
