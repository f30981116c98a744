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

// Drainer takes events out of the inbox. It applies itself what ends now, hundreds in one transaction. Everything else becomes
// a workflow of its own, under the event's ID, and leaves the inbox when Temporal has it. Several drainers may work side by
// side; one that is killed loses nothing, because PostgreSQL unlocks its rows.
type Drainer struct {
	o      Options
	starts *starter
	wake   chan struct{}
	busy   bool // the last round had something, or somebody woke this one. Idle ones are not traced
}

// Options are what a drainer needs.
type Options struct {
	Store *store.Store
	// Start starts the event's workflow. One that runs already is woken.
	Start func(context.Context, inorder.Event) error
	// MaxEventSkew is how far an event's time may be after its receipt.
	MaxEventSkew time.Duration
	// AllWorkflows has Temporal apply every event: INBOX=workflow.
	AllWorkflows bool
	Log          *loglimit.Logger
	Traffic      *traffic.Recorder  // nil: nothing is counted
	Ends         *telemetry.Ends    // nil: nothing is logged of events that end
	Tracing      *telemetry.Tracing // nil: nothing is traced
}

const (
	// Events in one transaction. 64 and 1024 give the same rate.
	batch = 256

	// How often an idle drainer asks. Who writes into the inbox wakes its own drainer; this finds what other processes wrote, and
	// what becomes due.
	pollEvery = 200 * time.Millisecond
	// drainTimeout is of one batch, whose rows are free again after it.
	drainTimeout = 30 * time.Second
	// failedPause follows a round that failed as a whole: PostgreSQL is away.
	failedPause = time.Second
)

// NewDrainer returns a drainer that works once Run is called.
func NewDrainer(o Options) *Drainer {
	return &Drainer{o: o, starts: newStarter(o), wake: make(chan struct{}, 1)}
}

// Wake says that something is due. It does not wait.
func (d *Drainer) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// AllowStarts says that Temporal is known to be this system's: until then no workflow is started.
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

// round takes one batch, and reports whether more is due. If one event makes the transaction fail, the batch is taken apart.
func (d *Drainer) round(ctx context.Context) (more bool, err error) {
	limit := batch
	if d.o.AllWorkflows { // at Temporal's pace
		limit = min(limit, d.starts.room())
	}
	drained, err := d.drain(ctx, store.Claim{Limit: limit, Apply: !d.o.AllWorkflows})
	if err != nil && store.OfOneEvent(err) {
		return true, d.apart(ctx, drained.Claimed)
	}
	return len(drained.Claimed) > 0, err
}

// drain is one transaction, and the starts that follow from it.
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

// apart applies the events of a batch that failed in parts of a sixteenth, and the parts that fail one by one: one event of 256
// costs the others 32 transactions. That event is left with its reason; if PostgreSQL refuses its data for good, its
// workflow shows it to a person.
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

// leave has an event come back later, alone: the next round would meet its error again. One whose data PostgreSQL refuses
// becomes a workflow, which parks it.
func (d *Drainer) leave(ctx context.Context, id string, cause error) error {
	if !store.IsLasting(cause) {
		return d.o.Store.PostponeInbox(ctx, []string{id}, "it could not be applied: "+cause.Error())
	}
	_, err := d.drain(ctx, store.Claim{Limit: 1, Only: []string{id}})
	return err
}
