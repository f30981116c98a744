// Package listen lets a developer's machine receive the platform's deliveries: a tunnel, a webhook that lives as long as the
// process, and a view of what arrives. Package webhooks registers and deletes it.
//
// # States
//
// A Run is in one of these states:
//
//   - starting: it takes the lock of its name, opens the tunnel, deletes the webhooks that an earlier Run of the name left, and
//     registers its own. If one of these fails, Run ends with the error.
//   - delivering: deliveries arrive and are forwarded. Every third of the lease, the lease is renewed. That also repairs
//     the webhook: it is registered again if somebody deleted it, and activated if the platform deactivated it. If
//     the platform or PostgreSQL does not answer, this is tried again ten seconds later.
//   - reopening: the tunnel failed. It is opened again, once a second. The lease is still renewed. Once the tunnel is open, the
//     webhook is moved to its URL, and Options.CatchUp is called.
//   - ending: the context has ended. The webhook is deleted, then deliveries under way have five seconds to be answered.
//
// # Webhooks that are left behind
//
// A webhook that leads nowhere piles up failures, so three things delete it: its own Run, when it ends; the next Run of the same
// name, which holds that name's lock, and so knows that the earlier one is dead; and, if the lock of its name is free, a Sweep,
// or a Run of another name after its lease. The kernel frees a lock when its process ends, however that ends. Where locks cannot
// be seen, on another machine with the same user and host name, the lease alone decides.
package listen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"inorder/internal/delivery"
	"inorder/internal/store"
	"inorder/internal/webhooks"
)

// Options are the settings of Run. Those without a default are required.
type Options struct {
	Registrar webhooks.Registrar // Run sets its Owner and Say
	Machine   Machine
	Name      string // only one Run of a name at a time
	Tunnel    Tunnel
	Events    []string
	Receiver  string    // URL of the receiver, without path
	Verifier  Verifier  // has the same secrets as the receiver
	MaxBody   int       // the largest body that is taken, in bytes; default 1 MiB
	Out       io.Writer // what is shown

	Outcomes Outcomes                    // nil: not shown
	Link     func(eventID string) string // nil: none

	// CatchUp runs when deliveries resume, at the start and after each reopening, so that nothing is lost in between; since is
	// when the last Run of the name was last alive, or zero if there was none. It must return at once. nil: nothing is done.
	CatchUp func(ctx context.Context, since time.Time)

	Lease time.Duration // default 10 minutes; renewed every third of it
}

const (
	reopenAfter = time.Second      // between attempts to open the tunnel
	retryAfter  = 10 * time.Second // between attempts to renew, if the platform or PostgreSQL does not answer
	shutdownFor = 5 * time.Second  // how long deliveries under way at the end have to be answered
)

// Run runs until ctx ends, then deletes its webhook, and returns nil if it could. It fails if another Run of the name is alive,
// or if the tunnel or the webhook cannot be made at the start. Later failures are printed, and retried. See the package's states.
func Run(ctx context.Context, o Options) (err error) {
	unlock, err := o.Machine.lock(ctx, o.Name)
	if err != nil {
		return err
	}
	defer unlock()
	l := newListener(o)
	f, err := newForwarder(o.Receiver, o.Verifier, o.MaxBody, l.forwarded)
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
	stopFollowing := l.follow(ctx)
	defer func() {
		l.noteAlive()
		err = errors.Join(l.keeper.end(ctx), err)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownFor)
		defer cancel()
		_ = server.Shutdown(grace) // the platform delivers again what is not answered by then
		_ = server.Close()
		stopFollowing()
	}()
	if err := l.begin(ctx, opened.URL); err != nil {
		if ctx.Err() != nil {
			return nil // it was stopped
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
	events *follower // nil: outcomes are not shown
	recent recent
	up     bool // deliveries arrive; false while reopening
}

func newListener(o Options) *listener {
	l := &listener{Options: o, print: newPrinter(o.Out)}
	l.Lease = cmp.Or(o.Lease, 10*time.Minute)
	r := o.Registrar
	r.Owner, r.Say = o.Machine.Owner, l.print.say
	l.keeper = &keeper{Registrar: r, machine: o.Machine, name: o.Name, events: o.Events, lease: l.Lease, say: l.print.say, said: map[string]bool{},
		to: strings.TrimRight(o.Receiver, "/") + delivery.Path}
	if o.Outcomes != nil {
		l.events = newFollower(o.Outcomes, l.showOutcome)
	}
	return l
}

// forwarded shows a delivery that was forwarded or refused, and follows its event.
func (l *listener) forwarded(d Delivery) {
	taken := d.Status/100 == 2 && d.EventID != ""
	if taken && !l.recent.note(d.EventID) && d.Result == delivery.ResultDuplicate {
		d.Result = alreadyHere
	}
	l.print.delivery(d, l.Receiver)
	if taken && l.events != nil {
		l.events.add(d.EventID)
	}
}

func (l *listener) showOutcome(s store.EventState) {
	link := ""
	if l.Link != nil {
		link = l.Link(s.ID)
	}
	l.print.outcome(s, link)
}

// follow shows outcomes until stop is called. stop shows the last ones before it returns.
func (l *listener) follow(ctx context.Context) (stop func()) {
	if l.events == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { l.events.run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// noteAlive records that this Run is alive now, unless the tunnel is down.
func (l *listener) noteAlive() {
	if l.up {
		l.Machine.noteAlive(l.Name, time.Now())
	}
}

// begin deletes what an earlier Run left behind, and registers the webhook.
func (l *listener) begin(ctx context.Context, public string) error {
	if err := l.keeper.sweep(ctx); err != nil {
		return err
	}
	if err := l.keeper.register(ctx, public); err != nil {
		return err
	}
	l.print.say("%s delivers %s to %s; from here, deliveries go to %s", l.keeper.e.ID, summary(l.keeper.e.Events), l.keeper.e.URL, l.keeper.to)
	l.resume(ctx)
	return nil
}

// resume notes that deliveries arrive, at the start or again, and runs CatchUp.
func (l *listener) resume(ctx context.Context) {
	since := l.Machine.lastAlive(l.Name)
	l.up = true
	l.noteAlive()
	if l.CatchUp != nil {
		l.CatchUp(ctx, since)
	}
}

// keep runs the states delivering and reopening: it renews the lease, and opens the tunnel again when that fails.
func (l *listener) keep(ctx context.Context, public string, failed <-chan error, serve func(Opened)) error {
	renew, reopen := time.NewTimer(l.Lease/3), time.NewTimer(0)
	reopen.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-renew.C:
			l.noteAlive()
			renew.Reset(l.Lease / 3)
			if err := l.keeper.renew(ctx, public); err != nil && ctx.Err() == nil {
				l.keeper.once("checking the webhook and renewing its lease failed, trying again: %v", err)
				renew.Reset(min(retryAfter, l.Lease/3))
			}
		case err := <-failed:
			l.noteAlive()
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
			renew.Reset(0) // which moves the webhook to the new URL
			l.resume(ctx)
		}
	}
}

func summary(events []string) string {
	if len(events) > 3 {
		return fmt.Sprintf("%s and %d more", events[0], len(events)-1)
	}
	return strings.Join(events, ", ")
}
