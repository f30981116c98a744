package inbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"inorder"
	"inorder/internal/store"
	"inorder/internal/telemetry"
	"inorder/internal/words"
)

// Writer makes events durable in the inbox. Those that come at once share one INSERT: while it commits, the next group
// forms, so that a group is as large as the load asks for, and a single event waits for nobody.
//
// What waits to be written is bounded in events and bytes. Beyond that, and while PostgreSQL does not answer, Put refuses at
// once.
type Writer struct {
	store   *store.Store
	queue   chan *entry
	bytes   atomic.Int64 // of the bodies in the queue
	breaker circuitbreaker.CircuitBreaker[any]
	written func() // there is something to drain
	*remover

	Tracing *telemetry.Tracing // nil: nothing is traced
}

const (
	maxGroup      = 256
	maxGroupBytes = 4 << 20 // a group has no more events than reach it; pgx holds them twice more while it writes them
	maxQueue      = 4096
	maxQueueBytes = 32 << 20
	writeTimeout  = 5 * time.Second

	// One write at a time fails in seconds when PostgreSQL hangs, so the second failure in a row says enough.
	failuresToOpen = 2
	openFor        = time.Second
)

var (
	// ErrFull is returned when too much waits to be written.
	ErrFull = errors.New("the inbox has no room: too many events wait for PostgreSQL")
	// ErrAway is returned when PostgreSQL has not answered lately.
	ErrAway = errors.New("PostgreSQL does not answer, so the inbox is closed for a moment")
)

// entry is one event on its way into the inbox.
type entry struct {
	event store.InboxEvent
	done  chan put
}

type put struct {
	duplicate bool
	err       error
}

// NewWriter returns a writer that works once Run is called. written is called after each group; it must not wait.
func NewWriter(s *store.Store, written func()) *Writer {
	return &Writer{
		store: s, queue: make(chan *entry, maxQueue), written: written, remover: newRemover(s),
		breaker: circuitbreaker.NewBuilder[any]().WithFailureThreshold(failuresToOpen).WithSuccessThreshold(1).WithDelay(openFor).Build(),
	}
}

// Put returns when the event is durable in the inbox, or known to the database already, which is a duplicate; the drainer
// leaves it alone for after. Its errors are ErrFull, ErrAway, and what PostgreSQL says; after that last one nobody knows.
func (w *Writer) Put(e inorder.Event, after time.Duration) (duplicate bool, err error) {
	if !w.Open() {
		return false, ErrAway
	}
	size := int64(len(e.Body))
	if w.bytes.Add(size) > maxQueueBytes {
		w.bytes.Add(-size)
		return false, ErrFull
	}
	entry := &entry{event: store.InboxEvent{Event: e, After: after}, done: make(chan put, 1)}
	select {
	case w.queue <- entry:
	default:
		w.bytes.Add(-size)
		return false, ErrFull
	}
	p := <-entry.done
	return p.duplicate, p.err
}

// Open reports whether Put is worth trying.
func (w *Writer) Open() bool { return w.breaker.RemainingDelay() == 0 }

// Run writes until ctx ends and the queue is empty.
func (w *Writer) Run(ctx context.Context) {
	var removing sync.WaitGroup
	defer removing.Wait()
	removing.Go(func() { w.remover.run(ctx) })
	for {
		select {
		case first := <-w.queue:
			w.write(w.group(first))
		case <-ctx.Done():
			for {
				select {
				case first := <-w.queue:
					w.write(w.group(first))
				default:
					return
				}
			}
		}
	}
}

// group takes what waits beside the first.
func (w *Writer) group(first *entry) []*entry {
	group, size := []*entry{first}, len(first.event.Body)
	for len(group) < maxGroup && size < maxGroupBytes {
		select {
		case e := <-w.queue:
			group, size = append(group, e), size+len(e.event.Body)
		default:
			return group
		}
	}
	return group
}

func (w *Writer) write(group []*entry) {
	duplicates, err := w.put(group)
	for i, e := range group {
		w.bytes.Add(-int64(len(e.event.Body)))
		p := put{err: err}
		if err == nil {
			p.duplicate = duplicates[i]
		}
		e.done <- p
	}
	if err == nil {
		w.written()
	}
}

func (w *Writer) put(group []*entry) ([]bool, error) {
	if !w.breaker.TryAcquirePermit() {
		return nil, ErrAway
	}
	events := make([]store.InboxEvent, len(group))
	for i, e := range group {
		events[i] = e.event
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	ctx, span := w.Tracing.Group(ctx, "write inbox")
	for _, e := range events {
		span.Add(e.Event)
	}
	duplicates, err := w.store.PutInbox(ctx, events)
	span.End(err)
	if err != nil {
		w.breaker.RecordFailure()
		return nil, fmt.Errorf("write %s into the inbox: %w", words.Count(len(group), "event"), err)
	}
	w.breaker.RecordSuccess()
	return duplicates, nil
}
