package inbox

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"inorder"
	"inorder/internal/loglimit"
	"inorder/internal/store"
	"inorder/internal/telemetry"
	"inorder/internal/traffic"
)

// Drainer takes events out of the inbox. Events that can end now it applies itself, hundreds in one transaction. Every other
// event becomes a workflow under its own ID, and leaves the inbox once Temporal has it. Several drainers may work side by
// side. A killed drainer loses nothing, because PostgreSQL unlocks its rows.
type Drainer struct {
	o      Options
	starts *starter
	wake   chan struct{}
	busy   bool // the last round found events, or Wake was called since. Idle rounds are not traced
}

// Options are what a drainer needs.
type Options struct {
	Store *store.Store
	// Start starts the event's workflow, or wakes it if it is running.
	Start func(context.Context, inorder.Event) error
	// MaxEventSkew is how much later than its receipt an event may be dated.
	MaxEventSkew time.Duration
	// AllWorkflows has Temporal apply every event: INBOX=workflow.
	AllWorkflows bool
	Log          *loglimit.Logger
	Traffic      *traffic.Recorder  // nil: nothing is counted
	Ends         *telemetry.Ends    // nil: events that end are not logged
	Tracing      *telemetry.Tracing // nil: nothing is traced
}

const (
	// batch is the number of events in one transaction. 64 and 1024 give the same rate.
	batch = 256

	// pollEvery is how often an idle drainer polls. A writer wakes the drainer of its own process; polling finds what other
	// processes wrote, and what becomes due.
	pollEvery = 200 * time.Millisecond
	// drainTimeout limits one batch. After it, the rows of the batch are unlocked.
	drainTimeout = 30 * time.Second
	// failedPause is the pause after a round that failed as a whole, because PostgreSQL is away.
	failedPause = time.Second
)

// NewDrainer returns a drainer that starts working when Run is called.
func NewDrainer(o Options) *Drainer {
	return &Drainer{o: o, starts: newStarter(o), wake: make(chan struct{}, 1)}
}

// Wake tells the drainer that events are due. It does not block.
func (d *Drainer) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// AllowStarts allows starting workflows. Call it once Temporal's namespace is known to belong to this system.
func (d *Drainer) AllowStarts() { d.starts.allowed.Store(true) }

// Run drains until ctx ends.
func (d *Drainer) Run(ctx context.Context) {
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { d.starts.run(ctx) })
	for ctx.Err() == nil {
		more, err := d.round(ctx)
		d.busy = more
		switch {
		case err != nil && ctx.Err() == nil:
			d.o.Log.Log(slog.LevelWarn, "drain", "the inbox cannot be drained", "cause", loglimit.OneLine(err))
			d.pause(ctx, failedPause)
		case !more:
			d.pause(ctx, pollEvery)
		}
	}
}

func (d *Drainer) pause(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-d.wake:
		d.busy = true
	case <-timer.C:
	}
}

// round drains one batch, and reports whether more may be due. If one event makes the transaction fail, apart splits the batch.
func (d *Drainer) round(ctx context.Context) (more bool, err error) {
	limit := batch
	if d.o.AllWorkflows { // no more than the starter has room for: Temporal sets the pace
		limit = min(limit, d.starts.room())
	}
	drained, err := d.drain(ctx, store.Claim{Limit: limit, Apply: !d.o.AllWorkflows})
	if err != nil && store.OfOneEvent(err) {
		return true, d.apart(ctx, drained.Claimed)
	}
	return len(drained.Claimed) > 0, err
}

// drain runs one transaction, and queues the starts that follow from it.
func (d *Drainer) drain(ctx context.Context, c store.Claim) (store.Drained, error) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	began, group := time.Now(), d.o.Tracing.Quiet()
	if d.busy {
		ctx, group = d.o.Tracing.Group(ctx, "drain inbox")
	}
	drained, err := d.o.Store.Drain(ctx, c, func(e inorder.Event) store.Event {
		group.Add(e)
		return store.Read(e, d.o.MaxEventSkew)
	})
	group.End(err)
	for _, e := range drained.Start {
		d.starts.add(e)
	}
	for _, e := range drained.Ended {
		d.o.Traffic.Ended(e.Outcome, store.ViaInbox, e.ReceivedAt)
		d.o.Ends.Ended(group.Done("apply from inbox", began, e.Event, e.Outcome), e.Event, e.Outcome, store.ViaInbox)
	}
	return drained, err
}

// apart applies the events of a failed batch in sixteen parts, and then each failed part event by event: one bad event of 256
// costs the others 32 transactions. The bad event stays in the inbox with its reason. If PostgreSQL refuses its data for good,
// its workflow is started, which shows it to a person.
func (d *Drainer) apart(ctx context.Context, ids []string) error {
	for part := range slices.Chunk(ids, max(1, len(ids)/16)) {
		_, err := d.drain(ctx, store.Claim{Limit: len(part), Only: part, Apply: true})
		switch {
		case err == nil:
		case !store.OfOneEvent(err):
			return err
		case len(part) > 1:
			if err := d.apart(ctx, part); err != nil {
				return err
			}
		default:
			if err := d.leave(ctx, part[0], err); err != nil {
				return err
			}
		}
	}
	return nil
}

// leave postpones an event, because the next round would fail with the same error. If PostgreSQL refuses the event's data for
// good, the event becomes a workflow instead, which parks it.
func (d *Drainer) leave(ctx context.Context, id string, cause error) error {
	if !store.IsLasting(cause) {
		return d.o.Store.PostponeInbox(ctx, []string{id}, "it could not be applied: "+cause.Error())
	}
	_, err := d.drain(ctx, store.Claim{Limit: 1, Only: []string{id}})
	return err
}
