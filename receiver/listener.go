package receiver

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"inorder/internal/loglimit"
)

// listener adds to a net.Listener what the HTTP server lacks: a limit of connections, retries when accepting fails for a
// while, and a graceful shutdown. See conn for the states of a connection.
type listener struct {
	net.Listener
	max int // connections
	log *loglimit.Logger

	stopping atomic.Bool
	// While the process stops: how many times drainPause has passed, and how many of the last without a connection. Only Accept uses them.
	pauses, quiet int
	open          sync.WaitGroup

	mu      sync.Mutex
	room    *sync.Cond // signalled when a connection may be closed for another, or is gone
	conns   map[*conn]struct{}
	waiting list.List // the connections without an authentic delivery; the one that has waited longest comes first
}

func newListener(l net.Listener, most int, log *loglimit.Logger) *listener {
	tracked := &listener{Listener: l, max: most, log: log, conns: map[*conn]struct{}{}}
	tracked.room = sync.NewCond(&tracked.mu)
	return tracked
}

const (
	// headStart is how long a new connection can't be closed for another, however many come: a request that is sent at once has
	// come by then. A connection gets no second head start after an answer, or a new one might wait for ever.
	headStart = 100 * time.Millisecond

	// acceptPause is the pause after a failed accept, such as when the process has too many open files.
	acceptPause = 100 * time.Millisecond

	// When the process stops, it goes on accepting until no connection has come for twice drainPause, because closing a listener resets
	// the connections that wait to be accepted, and their requests may be here already. Once is not enough: on a busy machine, the
	// pause may be over before Accept looks. It stops accepting after maxPauses even if connections keep coming.
	drainPause = 5 * time.Millisecond
	quietEnd   = 2
	maxPauses  = 100 // half a second, but counted: a process that stalls loses one pause

	// stopGrace is how long an idle connection stays open while the process stops: a request may be on its way.
	stopGrace = 500 * time.Millisecond
)

// Accept fails only once the listener is closed.
func (l *listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		switch {
		case err == nil:
			l.quiet = 0
			return l.admit(accepted), nil
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case l.stopping.Load() && !l.drainOn():
			_ = l.Listener.Close()
			return nil, net.ErrClosed
		case !isTimeout(err):
			l.log.Log(slog.LevelError, "accept", "cannot accept connections", "cause", err)
			time.Sleep(acceptPause)
		}
	}
}

// drainOn reports whether a stopping process accepts for another drainPause.
func (l *listener) drainOn() bool {
	l.pauses++
	l.quiet++
	return l.quiet < quietEnd && l.pauses < maxPauses && l.acceptUntil(time.Now().Add(drainPause))
}

// acceptUntil sets the deadline for accepting, and reports whether the listener has one.
func (l *listener) acceptUntil(t time.Time) bool {
	deadline, ok := l.Listener.(interface{ SetDeadline(time.Time) error })
	return ok && deadline.SetDeadline(t) == nil
}

// admit counts a new connection. If there is no room, it closes the connection that has waited longest for a delivery. If every
// connection has a delivery, accepting waits for room; if that oldest one is still new, accepting waits out its headStart.
func (l *listener) admit(accepted net.Conn) net.Conn {
	c := &conn{Conn: accepted, listener: l, closed: make(chan struct{})}
	c.idle.Store(true)
	if l.count(c) {
		l.log.Log(slog.LevelWarn, "room", "MAX_CONNECTIONS reached: closed the oldest connection without a delivery to admit a new one", "max_connections", l.max)
	}
	return c
}

func (l *listener) count(c *conn) (madeRoom bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.conns) >= l.max && !l.stopping.Load() {
		oldest, early := l.oldest()
		if oldest == nil {
			l.pause(early)
			continue
		}
		oldest.ended.Store(true)
		close(oldest.closed) // once: it is not in a list again after forget
		l.forget(oldest)
		_ = oldest.Conn.Close()
		madeRoom = true
	}
	l.conns[c] = struct{}{}
	l.open.Add(1)
	c.since = time.Now() // only now: the connection may have waited long for room
	c.wait()
	return madeRoom
}

// oldest returns the connection that is next to be closed for a new one, or nil if there is none yet. early is the time until
// there will be one, or 0 if that is unknown.
func (l *listener) oldest() (c *conn, early time.Duration) {
	first := l.waiting.Front()
	if first == nil {
		return nil, 0
	}
	c = first.Value.(*conn)
	if early := headStart - time.Since(c.since); early > 0 {
		return nil, early
	}
	return c, 0
}

// pause waits until room is signalled, but no longer than most if most is positive. The caller holds l.mu, which is unlocked meanwhile.
func (l *listener) pause(most time.Duration) {
	if most > 0 {
		alarm := time.AfterFunc(most, func() {
			l.mu.Lock() // so that the alarm can't go off before Wait waits
			defer l.mu.Unlock()
			l.room.Broadcast()
		})
		defer alarm.Stop()
	}
	l.room.Wait()
}

// forget stops counting a connection. l.mu is held.
func (l *listener) forget(c *conn) {
	if _, counted := l.conns[c]; counted {
		delete(l.conns, c)
		c.leave()
		l.room.Signal()
		l.open.Done()
	}
}

// stop begins the shutdown: Accept takes the connections that have come already and then closes the listener. Idle connections
// are closed after stopGrace, and all others once their request is answered.
func (l *listener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopping.Store(true)
	for c := range l.conns {
		c.hurry()
	}
	l.room.Broadcast()
	if !l.acceptUntil(time.Now().Add(drainPause)) {
		_ = l.Listener.Close()
	}
}

// wait waits until no connection is left. When ctx ends first, it closes those that are left and returns ctx's error. It must
// not be called before Accept has failed.
func (l *listener) wait(ctx context.Context) error {
	gone := make(chan struct{})
	go func() { l.open.Wait(); close(gone) }()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Conn.Close()
	}
	return ctx.Err()
}
