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

// Writer makes events durable in the inbox. Events that come at the same time share one INSERT: while it commits, the next
// group forms. So groups grow with the load, and a single event waits for no others.
//
// The queue is bounded in events and bytes. When it is full, and while PostgreSQL does not answer, Put refuses at
// once.
type Writer struct {
	store   *store.Store
	queue   chan *entry
	bytes   atomic.Int64 // of the bodies in the queue
	breaker circuitbreaker.CircuitBreaker[any]
	written func() // called after each group: there are events to drain
	*remover

	Tracing *telemetry.Tracing // nil: nothing is traced
}

const (
	maxGroup      = 256
	maxGroupBytes = 4 << 20 // a group that reaches it is full; pgx holds the bytes twice more while it writes them
	maxQueue      = 4096
	maxQueueBytes = 32 << 20
	writeTimeout  = 5 * time.Second

	// When PostgreSQL hangs, the one write under way takes seconds to fail, so two failures in a row suffice.
	failuresToOpen = 2
	openFor        = time.Second
)

var (
	// ErrFull is returned when too many events, or bytes, wait to be written.
	ErrFull = errors.New("the queue for the inbox is full: too many events are waiting for PostgreSQL")
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

// NewWriter returns a writer that starts working when Run is called. written is called after each group; it must not block.
func NewWriter(s *store.Store, written func()) *Writer {
	return &Writer{
		store: s, queue: make(chan *entry, maxQueue), written: written, remover: newRemover(s),
		breaker: circuitbreaker.NewBuilder[any]().WithFailureThreshold(failuresToOpen).WithSuccessThreshold(1).WithDelay(openFor).Build(),
	}
}

// Put returns once the event is durable in the inbox, or reports a duplicate if the database already knows it. The drainer leaves
// the event alone for the duration after. Put's errors are ErrFull, ErrAway, and PostgreSQL's; after one of PostgreSQL's, the event
// may be durable.
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

// Run writes events until ctx has ended and the queue is empty.
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

// group returns first and the events that wait behind it, up to maxGroup and maxGroupBytes.
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
