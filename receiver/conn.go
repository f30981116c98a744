package receiver

import (
	"container/list"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// conn is a connection that the listener counts. It is in one of three states:
//
//   - idle: no byte of a request has come yet, on a new connection or after an answer;
//   - begun: a part of a request has come;
//   - whole: an authentic delivery has come and is being answered.
//
// A connection that isn't whole is in the listener's list; the first in the list is the next to be closed for a new one. Other
// requests, such as a probe or a forged delivery, don't move the connection in the list: otherwise strangers could keep all
// connections by sending requests back to back.
type conn struct {
	net.Conn
	listener *listener

	idle    atomic.Bool
	ended   atomic.Bool   // nothing more is read from the peer
	lingers atomic.Bool   // the server has closed it: see Close
	closed  chan struct{} // closed when the connection is closed for a new one

	// Guarded by listener.mu.
	element *list.Element // of listener.waiting; nil while the connection is whole
	since   time.Time     // when the connection was counted
}

// connOf returns the request's connection. It is nil in tests without a listener; whole and replaced of nil do nothing.
func connOf(ctx *fasthttp.RequestCtx) *conn {
	c, _ := ctx.Conn().(*conn)
	return c
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.idle.Load() {
		c.begin()
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		c.ended.Store(true)
	case c.idle.Load() && isTimeout(err) && c.listener.stopping.Load():
		c.ended.Store(true)
		return n, io.EOF // so that the server closes the connection without an answer: nobody asked
	}
	return n, err
}

// begin records that a request has begun to come. A stopping process gives the request the usual readTimeout to come as a whole.
func (c *conn) begin() {
	c.idle.Store(false)
	if c.listener.stopping.Load() {
		_ = c.Conn.SetReadDeadline(time.Now().Add(readTimeout))
	}
}

// hurry shortens the deadline of an idle or lingering connection to stopGrace, because the process stops.
func (c *conn) hurry() {
	if !c.idle.Load() && !c.lingers.Load() {
		return
	}
	_ = c.Conn.SetReadDeadline(time.Now().Add(stopGrace))
	if !c.idle.Load() && !c.lingers.Load() { // a request has begun meanwhile
		_ = c.Conn.SetReadDeadline(time.Now().Add(readTimeout))
	}
}

// SetReadDeadline is called by the server before it waits for a request and when one begins. Once the process stops, it applies hurry.
func (c *conn) SetReadDeadline(t time.Time) error {
	err := c.Conn.SetReadDeadline(t)
	if err == nil && c.listener.stopping.Load() && time.Until(t) > stopGrace {
		c.hurry()
	}
	return err
}

// whole records that an authentic delivery has come: until it is answered, the connection isn't closed for a new one.
func (c *conn) whole() {
	if c == nil {
		return
	}
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	c.leave()
}

// replaced returns a channel that is closed when the connection is closed for a new one.
func (c *conn) replaced() <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.closed
}

// answered records that the request has its answer and the connection waits for the next request.
func (c *conn) answered() {
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	c.idle.Store(true)
	c.wait()
}

// wait appends an open connection to the list, unless it is in there. listener.mu is held.
func (c *conn) wait() {
	if _, open := c.listener.conns[c]; open && c.element == nil {
		c.element = c.listener.waiting.PushBack(c)
		c.listener.room.Signal()
	}
}

// leave takes the connection off the list. listener.mu is held.
func (c *conn) leave() {
	if c.element != nil {
		c.listener.waiting.Remove(c.element)
		c.element = nil
	}
}

// SetWriteDeadline reports no error, because the server panics on one. There would be one when a request comes just as
// its idle connection is closed. Writing fails then anyway.
func (c *conn) SetWriteDeadline(t time.Time) error {
	_ = c.Conn.SetWriteDeadline(t)
	return nil
}

// Close closes the connection so that the last answer arrives. Closing a connection while bytes are unread, or still coming,
// resets it, and a reset can lose the answer. So Close closes only the sending half, and discards what comes until the
// sender closes its side, too.
func (c *conn) Close() error {
	if c.lingers.Swap(true) {
		return nil
	}
	c.listener.mu.Lock()
	c.wait() // like any other, the connection may be closed for a new one
	c.listener.mu.Unlock()
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if c.ended.Load() || !ok || half.CloseWrite() != nil {
		return c.end()
	}
	go c.drain()
	return nil
}

// How long, and how much, a sender may go on sending after its answer.
const (
	lingerTime  = 5 * time.Second
	lingerBytes = 64 << 20
)

func (c *conn) drain() {
	_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
	if c.listener.stopping.Load() {
		c.hurry()
	}
	var discarded [1 << 10]byte // small, because thousands may linger at once
	for read := 0; read < lingerBytes; {
		n, err := c.Conn.Read(discarded[:])
		if err != nil {
			break
		}
		read += n
	}
	_ = c.end()
}

// end closes the connection and removes it from the listener.
func (c *conn) end() error {
	err := c.Conn.Close()
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	c.listener.forget(c)
	return err
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
