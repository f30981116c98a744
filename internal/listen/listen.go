// Package listen lets a developer's machine receive the platform's deliveries: a tunnel, an endpoint that lives as long as the
// process, and a view of what arrives.
//
// An endpoint left behind would pile up failures, so three things end it: the process itself, when it is asked to stop; the
// next one of the same name, which holds that name's lock and so knows that the last one is dead; and, for any other name, its
// lease, which a living one renews.
package listen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"inorder/internal/delivery"
	"inorder/internal/webhooks"
)

// Options are the settings of Run. Those without a default are needed.
type Options struct {
	Registrar webhooks.Registrar // its Owner and Say are set by Run
	Machine   Machine
	Name      string // one of a name at a time
	Tunnel    Tunnel
	Events    []string
	Receiver  string    // URL of the receiver, without path
	Verifier  Verifier  // knows what the receiver knows
	MaxBody   int       // the largest body that is taken, in bytes; default 1 MiB
	Out       io.Writer // what is shown

	Outcomes Outcomes                    // nil: not shown
	Link     func(eventID string) string // nil: none

	// CatchUp is told when the last one of the name was last known to be there, or zero. It is called when deliveries arrive
	// again, so that nothing is lost in between.
	CatchUp func(ctx context.Context, since time.Time)

	Lease time.Duration // default 10 minutes; renewed in a third of it
}

const (
	reopenAfter = time.Second      // before a tunnel that could not be opened is tried again
	retryAfter  = 10 * time.Second // before what the platform or PostgreSQL did not do is tried again
)

// Run runs until ctx ends, and then deletes its endpoint. It fails when another one of the name runs, or when the tunnel or
// the endpoint cannot be made at the start; what breaks later it tells, and tries again.
func Run(ctx context.Context, o Options) (err error) {
	unlock, err := o.Machine.lock(ctx, o.Name)
	if err != nil {
		return err
	}
	defer unlock()
	l := newListener(o)
	f, err := newForwarder(o.Receiver, o.Verifier, o.MaxBody, l.took)
	if err != nil {
		return err
	}
	opened, err := o.Tunnel.Open(ctx)
	if err != nil {
		return err
	}
	server := newServer(f, readTimeout)
	failed := make(chan error, 1)
	serve := func(t Opened) { go func() { failed <- server.Serve(newConns(t, maxConns)) }() }
	serve(opened)
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	watched := make(chan struct{})
	go func() { defer close(watched); l.watch(watching) }()
	defer func() {
		l.alive()
		err = errors.Join(l.keeper.end(ctx), err)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(grace) // what is not answered by then is delivered again
		_ = server.Close()
		stopWatching()
		<-watched
	}()
	if err := l.begin(ctx, opened.URL); err != nil {
		if ctx.Err() != nil {
			return nil // a wished stop
		}
		return err
	}
	return l.keep(ctx, opened.URL, failed, serve)
}

// listener is one Run.
type listener struct {
	Options
	keeper *keeper
	print  *printer
	events *watch // nil: outcomes are not shown
	recent recent
	up     bool // deliveries arrive
}

func newListener(o Options) *listener {
	l := &listener{Options: o, print: newPrinter(o.Out)}
	l.Lease = cmp.Or(o.Lease, 10*time.Minute)
	r := o.Registrar
	r.Owner, r.Say = o.Machine.Owner, l.print.say
	l.keeper = &keeper{Registrar: r, machine: o.Machine, name: o.Name, events: o.Events, lease: l.Lease, say: l.print.say, said: map[string]bool{},
		to: strings.TrimRight(o.Receiver, "/") + delivery.Path}
	if o.Outcomes != nil {
		l.events = newWatch(o.Outcomes, l.ended)
	}
	return l
}

func (l *listener) took(d Delivery) {
	taken := d.Status/100 == 2 && d.EventID != ""
	if taken && !l.recent.note(d.EventID) && d.Result == delivery.ResultDuplicate {
		d.Result = alreadyHere
	}
	l.print.delivery(d, l.Receiver)
	if taken && l.events != nil {
		l.events.add(d.EventID)
	}
}

func (l *listener) ended(o Outcome) {
	link := ""
	if l.Link != nil {
		link = l.Link(o.EventID)
	}
	l.print.outcome(o, link)
}

func (l *listener) watch(ctx context.Context) {
	if l.events != nil {
		l.events.run(ctx)
	}
}

// alive notes that deliveries arrive.
func (l *listener) alive() {
	if l.up {
		l.Machine.noteAlive(l.Name, time.Now())
	}
}

// begin registers, after it has deleted what was left behind.
func (l *listener) begin(ctx context.Context, public string) error {
	if err := l.keeper.sweep(ctx); err != nil {
		return err
	}
	if err := l.keeper.register(ctx, public); err != nil {
		return err
	}
	l.print.say("%s delivers %s to %s, and from here it goes to %s", l.keeper.e.ID, summary(l.keeper.e.Events), l.keeper.e.URL, l.keeper.to)
	l.arriving(ctx)
	return nil
}

// arriving is called when deliveries arrive again.
func (l *listener) arriving(ctx context.Context) {
	since := l.Machine.lastAlive(l.Name)
	l.up = true
	l.alive()
	if l.CatchUp != nil {
		l.CatchUp(ctx, since)
	}
}

// keep renews the lease, and opens the tunnel again when it fails.
func (l *listener) keep(ctx context.Context, public string, failed <-chan error, serve func(Opened)) error {
	renew, reopen := time.NewTimer(l.Lease/3), time.NewTimer(0)
	reopen.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-renew.C:
			l.alive()
			renew.Reset(l.Lease / 3)
			if err := l.keeper.renew(ctx, public); err != nil && ctx.Err() == nil {
				l.keeper.once("the endpoint could not be looked after, which is tried again: %v", err)
				renew.Reset(min(retryAfter, l.Lease/3))
			}
		case err := <-failed:
			l.alive()
			l.up = false
			l.print.say("the tunnel is closed, opening it again: %v", err)
			reopen.Reset(0)
		case <-reopen.C:
			opened, err := l.Tunnel.Open(ctx)
			if err != nil {
				l.keeper.once("%v", err)
				reopen.Reset(reopenAfter)
				continue
			}
			serve(opened)
			public = opened.URL
			renew.Reset(0) // which leads the endpoint to it
			l.arriving(ctx)
		}
	}
}

func summary(events []string) string {
	if len(events) > 3 {
		return fmt.Sprintf("%s and %d more", events[0], len(events)-1)
	}
	return strings.Join(events, ", ")
}
