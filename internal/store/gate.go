package store

import (
	"context"
	"sync"
	"time"
)

// gate keeps one order's events from taking the connections that other orders need. Of one order at most atDatabase events
// are at the database, where one works and another waits for its lock; a few more wait here, without a connection, for
// as long as a handful of transactions takes; any more are refused with ErrBusy, and come back later. While somebody
// holds the order's lock for longer, one event in lockedPause tries it, and all others are refused at once.
//
// The zero gate is open.
type gate struct {
	mu    sync.Mutex
	lines map[string]*line
}

const (
	atDatabase  = 2
	waitingHere = 8
	waitHere    = 100 * time.Millisecond
	lockedPause = time.Second
)

// line is the events of one order. It is forgotten when nobody is in it and the order is not known to be locked.
type line struct {
	entered int           // at the database, or waiting here
	slots   chan struct{} // one for each event at the database
	locked  time.Time     // until when the order's lock is taken to be held by somebody else
}

// pass runs f in the order's line. A lock time-out of f tells that somebody holds the order.
func (g *gate) pass(ctx context.Context, order string, f func() error) error {
	l := g.enter(order)
	if l == nil {
		return ErrBusy
	}
	err := l.run(ctx, f)
	g.leave(order, l, err)
	return err
}

// enter returns nil if there is no room.
func (g *gate) enter(order string) *line {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lines[order]
	if l == nil {
		if g.lines == nil {
			g.lines = map[string]*line{}
		}
		l = &line{slots: make(chan struct{}, atDatabase)}
		g.lines[order] = l
	}
	now := time.Now()
	if l.entered >= atDatabase+waitingHere || now.Before(l.locked) {
		return nil
	}
	if !l.locked.IsZero() { // this one tries whether it still is
		l.locked = now.Add(lockedPause)
	}
	l.entered++
	return l
}

func (l *line) run(ctx context.Context, f func() error) error {
	select {
	case l.slots <- struct{}{}:
	case <-time.After(waitHere):
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.slots }()
	return f()
}

func (g *gate) leave(order string, l *line, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l.entered--
	switch {
	case err == nil:
		l.locked = time.Time{}
	case isLockTimeout(err):
		l.locked = time.Now().Add(lockedPause)
	}
	g.forget(order, l)
}

// forget drops the lines that say nothing any more, among them those of orders that were locked once.
func (g *gate) forget(order string, l *line) {
	if l.entered == 0 && l.locked.IsZero() {
		delete(g.lines, order)
	}
	const many = 1000
	if len(g.lines) < many {
		return
	}
	now := time.Now()
	for id, l := range g.lines {
		if l.entered == 0 && now.After(l.locked) {
			delete(g.lines, id)
		}
	}
}
