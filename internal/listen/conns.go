package listen

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxConns bounds the memory that strangers can take: with MAX_BODY_BYTES at its default, 64 MiB of bodies.
const maxConns = 64

// headStart is how long a new connection is not closed to make room, as at the receiver: a delivery has arrived by then.
const headStart = 100 * time.Millisecond

// conns is a listener with a bounded number of connections. A connection is in one of these states:
//
//   - waiting: without a whole request, from when it was accepted or answered;
//   - whole: an authentic delivery has arrived and is being answered; it is not closed to make room;
//   - ended: closed, perhaps to make room for another.
//
// When maxConns are open, the connection that has been waiting longest is closed to make room for a new one, so half-sent
// requests keep no delivery out. None is closed within headStart of being accepted, so a flood of connections does not, either.
// Until then, and while all are whole, the new one waits in the system's queue, for answerTimeout at most.
type conns struct {
	net.Listener
	most int

	mu      sync.Mutex
	changed sync.Cond
	open    int
	waiting list.List // of *conn without a whole request, the longest waiting first
	closed  bool
}

func newConns(l net.Listener, most int) *conns {
	c := &conns{Listener: l, most: most}
	c.changed.L = &c.mu
	return c
}

// conn is one connection. of.mu guards place and ended.
type conn struct {
	net.Conn
	of    *conns
	since time.Time     // when it was accepted
	place *list.Element // in of.waiting; nil while it is whole, and when it has ended
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

// makeRoom closes a connection, or waits until there may be one to close. mu is held, except while it waits or closes.
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

// pause waits for a change, for at most that time. mu is held, except while it waits.
func (c *conns) pause(most time.Duration) {
	alarm := time.AfterFunc(most, func() {
		c.mu.Lock() // so that it cannot broadcast before Wait waits
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

// hasWhole keeps the connection from being closed to make room until its request is answered.
func (c *conn) hasWhole() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.leave()
}

// wait puts the connection at the end of those that wait.
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

// end stops counting the connection. of.mu is held. It may run twice.
func (c *conn) end() {
	c.leave()
	if !c.ended {
		c.ended = true
		c.of.open--
		c.of.changed.Signal()
	}
}

// leave takes the connection off the list. of.mu is held.
func (c *conn) leave() {
	if c.place != nil {
		c.of.waiting.Remove(c.place)
		c.place = nil
	}
}
