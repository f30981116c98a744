package listen

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxConns bounds what strangers can have us hold: with MAX_BODY_BYTES at its default, 64 MiB of bodies.
const maxConns = 64

// headStart is how long a new connection is not closed for another: as at the receiver, a delivery is here by then.
const headStart = 100 * time.Millisecond

// conns is a listener with so many connections at most. The one that is without a whole request for the longest time is
// closed for a new one, so nobody can keep out a delivery by holding half-sent ones; but none in its first headStart, so
// nobody can by opening many, either. New ones wait meanwhile in the system's queue, and also while all have a whole
// request, which only the authentic can have: for as long as the receiver takes, answerTimeout at most.
type conns struct {
	net.Listener
	most int

	mu      sync.Mutex
	changed sync.Cond
	open    int
	waiting list.List // of *conn without a whole request, the longest first
	closed  bool
}

func newConns(l net.Listener, most int) *conns {
	c := &conns{Listener: l, most: most}
	c.changed.L = &c.mu
	return c
}

// conn is one of them.
type conn struct {
	net.Conn
	of    *conns
	since time.Time     // when it was accepted
	place *list.Element // in waiting; nil while it has a whole request, and at its end
	ended bool
}

func (c *conns) Accept() (net.Conn, error) {
	accepted, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.open == c.most && !c.closed {
		c.makeRoom()
	}
	if c.closed {
		_ = accepted.Close()
		return nil, net.ErrClosed
	}
	c.open++
	in := &conn{Conn: accepted, of: c, since: time.Now()}
	in.place = c.waiting.PushBack(in)
	return in, nil
}

// makeRoom closes a connection, or waits until there is one that it may close. mu is held, but not all the time.
func (c *conns) makeRoom() {
	longest := c.waiting.Front()
	if longest == nil {
		c.changed.Wait()
		return
	}
	gone := longest.Value.(*conn)
	if early := headStart - time.Since(gone.since); early > 0 {
		c.pause(early)
		return
	}
	gone.end()
	c.mu.Unlock()
	_ = gone.Conn.Close()
	c.mu.Lock()
}

// pause waits for a change, and for no longer than most. mu is held, but not all the time.
func (c *conns) pause(most time.Duration) {
	alarm := time.AfterFunc(most, func() {
		c.mu.Lock() // so that it cannot go off before Wait waits
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})
	defer alarm.Stop()
	c.changed.Wait()
}

func (c *conns) Close() error {
	c.mu.Lock()
	c.closed = true
	c.changed.Broadcast()
	c.mu.Unlock()
	return c.Listener.Close()
}

// state is an http.Server's ConnState.
func state(c net.Conn, s http.ConnState) {
	if in, ours := c.(*conn); ours && s == http.StateIdle { // it was answered
		in.wait()
	}
}

// hasWhole keeps the connection until it was answered.
func (c *conn) hasWhole() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.leave()
}

func (c *conn) wait() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if !c.ended && c.place == nil {
		c.place = c.of.waiting.PushBack(c)
		c.of.changed.Signal()
	}
}

func (c *conn) Close() error {
	c.of.mu.Lock()
	c.end()
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets the server end a connection whose request it has not read, so that the answer is not lost.
func (c *conn) CloseWrite() error {
	if half, can := c.Conn.(interface{ CloseWrite() error }); can {
		return half.CloseWrite()
	}
	return nil
}

// end counts it as closed. of.mu is held.
func (c *conn) end() {
	c.leave()
	if !c.ended {
		c.ended = true
		c.of.open--
		c.of.changed.Signal()
	}
}

func (c *conn) leave() {
	if c.place != nil {
		c.of.waiting.Remove(c.place)
		c.place = nil
	}
}
