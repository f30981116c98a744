package store

import (
	"context"
	"sync"
	"time"
)

// gate keeps one order's events from taking the connections that other orders need. At most atDatabase events of an order have
// a connection: one works, the other waits for the order's lock. Up to waitingHere more wait here without a connection, for at
// most waitHere, as long as a burst of them takes. The rest are refused with a BusyError, and come back later. If the lock was
// not granted, somebody else holds it; then all events are refused at once, except one per lockedPause, which tries the lock.
//
// Refused events come back one after the other, however many they are, because each attempt costs Temporal about half of what
// an event costs: backLocked apart while the order is locked, else backBusy apart, which is as fast as they can be applied.
//
// The zero gate is ready to use.
type gate struct {
	mu    sync.Mutex
	lines map[string]*line
}

const (
	atDatabase  = 2
	waitingHere = 62
	waitHere    = time.Second
	lockedPause = time.Second

	backLocked  = 50 * time.Millisecond
	backBusy    = 10 * time.Millisecond
	longestBack = time.Minute
)

// line is the queue of one order's events. It is deleted once it is empty and the order is not known to be locked.
type line struct {
	entered int           // events at the database or waiting here
	slots   chan struct{} // one for each event at the database
	locked  time.Time     // until when the order's lock is assumed to be held by somebody else; zero if it is not
	refuse  chan struct{} // closed when that becomes known, for the events that wait here
	back    time.Time     // when the last refused event comes back
}

// pass runs f in the order's line. The error is a BusyError if the gate refused f, or f ran into a lock that somebody else holds.
func (g *gate) pass(ctx context.Context, order string, f func() error) error {
	l, refuse := g.enter(order)
	if refuse == nil {
		return &BusyError{gate: g, line: l}
	}
	defer g.leave(order, l)
	switch turn, err := l.await(ctx, refuse); {
	case err != nil:
		return err
	case !turn:
		return &BusyError{gate: g, line: l}
	}
	defer func() { <-l.slots }()
	err := f()
	g.learn(l, err)
	if isLockTimeout(err) {
		return &BusyError{gate: g, line: l, cause: err}
	}
	return err
}

// enter returns a nil channel if there is no room or the order is locked.
func (g *gate) enter(order string) (l *line, refuse <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l = g.lines[order]
	if l == nil {
		if g.lines == nil {
			g.lines = map[string]*line{}
		}
		l = &line{slots: make(chan struct{}, atDatabase), refuse: make(chan struct{})}
		g.lines[order] = l
	}
	now := time.Now()
	if l.entered >= atDatabase+waitingHere || now.Before(l.locked) {
		return l, nil
	}
	if !l.locked.IsZero() { // this event tries whether it still is
		l.locked = now.Add(lockedPause)
	}
	l.entered++
	return l, l.refuse
}

// comeBack reserves the next free time to come back, and returns how long it is until then.
func (g *gate) comeBack(l *line) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	apart := backBusy
	if !l.locked.IsZero() {
		apart = backLocked
	}
	now := time.Now()
	if l.back.Before(now) {
		l.back = now
	}
	if next := l.back.Add(apart); next.Sub(now) <= longestBack {
		l.back = next
	}
	return l.back.Sub(now)
}

// await reports whether the event may go to the database now. Events go in the order in which they came.
func (l *line) await(ctx context.Context, refuse <-chan struct{}) (turn bool, err error) {
	select {
	case l.slots <- struct{}{}:
		return true, nil
	default:
	}
	patience := time.NewTimer(waitHere)
	defer patience.Stop()
	select {
	case l.slots <- struct{}{}:
	case <-refuse:
		return false, nil
	case <-patience.C:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
	select {
	case <-refuse: // both were ready, and it took its turn
		<-l.slots
		return false, nil
	default:
		return true, nil
	}
}

// learn records whether the order is locked, from how f ended. It runs before the next event takes f's place at the database.
func (g *gate) learn(l *line, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case err == nil:
		l.locked = time.Time{}
	case isLockTimeout(err):
		l.locked = time.Now().Add(lockedPause)
		close(l.refuse)
		l.refuse = make(chan struct{})
	}
}

func (g *gate) leave(order string, l *line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l.entered--
	if l.entered == 0 && l.locked.IsZero() {
		delete(g.lines, order)
	}
	g.forgetUnlocked()
}

// forgetUnlocked deletes, once there are many lines, those of orders that were locked and of which nothing has come since.
func (g *gate) forgetUnlocked() {
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
