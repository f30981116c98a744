package refused

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"inorder/internal/await"
	"inorder/internal/loglimit"
)

// Options are what a Keeper needs.
type Options struct {
	Secrets func() Secrets // all that are or were known here; it must not wait
	Table   Table
	Metrics *Metrics // default: some that nobody reads
	Log     *loglimit.Logger
	Now     func() time.Time // default time.Now
}

// Keeper keeps samples of refused deliveries. It is what the receiver asks on the way of an answer, so what is called there waits for nothing:
//
//   - Admit, for each refusal: whether there is room in a queue. A stranger's refusals have a queue of their own, with few places for each
//     address; what is authentic, and what comes from an address of authentic deliveries, has another, so that no flood takes its place.
//   - Keep, for those that were admitted: it hands them over.
//
// Run explains them in the background, while the body is in memory, in a tenth of one processor's time at most for those of strangers. What it
// keeps of each is a sample: see Sample. The samples are bounded by rate (see window), and the table in rows and bytes (see Table). Bodies
// and signatures are forgotten as soon as they are explained. What finds no room is counted, and that is all.
type Keeper struct {
	o     Options
	known known

	strangers, others queue
	wake              chan struct{}
	samples           chan Sample
}

const (
	maxQueued      = 64      // in each queue
	maxQueuedOf    = 8       // of one network
	maxQueuedBytes = 4 << 20 // of bodies in each queue

	maxUnwritten = 256 // samples, while PostgreSQL is away
	strangerRest = 9   // how many times as long as the work may take the Keeper rests after a stranger's
	otherRest    = 1   // and after another one
)

// queue is what waits to be explained.
type queue struct {
	mu       sync.Mutex
	admitted int // that are in the queue or about to be, with their bytes
	of       map[netip.Prefix]int
	items    []Refusal
	bytes    int
}

// New returns a keeper that works once Run is called.
func New(o Options) *Keeper {
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Keeper{o: o, wake: make(chan struct{}, 1), samples: make(chan Sample, maxUnwritten)}
}

// AsksAddress reports whether Delivered should be called for this authentic delivery: about once a second.
func (k *Keeper) AsksAddress(now time.Time) bool { return k.known.due(now) }

// Delivered notes that an authentic delivery came from an address.
func (k *Keeper) Delivered(client netip.Addr, now time.Time) { k.known.note(networkOf(client), now) }

// Place is a place in a queue.
type Place struct{ of *queue }

// Admit reports whether there is room for a refusal with so many bytes of body. Then Keep must be called at once, with the place. It costs
// less than a microsecond.
func (k *Keeper) Admit(authentic bool, client netip.Addr, bytes int) (Place, bool) {
	n, q := networkOf(client), &k.strangers
	if authentic || k.known.has(n, k.o.Now()) {
		q = &k.others
	}
	if q.admit(n, bytes) {
		return Place{q}, true
	}
	k.o.Metrics.dropped(dropQueue)
	return Place{}, false
}

func (q *queue) admit(n netip.Prefix, bytes int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.admitted >= maxQueued || q.of[n] >= maxQueuedOf || q.bytes+bytes > maxQueuedBytes {
		return false
	}
	if q.of == nil {
		q.of = map[netip.Prefix]int{}
	}
	q.admitted++
	q.bytes += bytes
	q.of[n]++
	return true
}

// Keep takes a refusal that was admitted, with its body, which nobody else may change from now on.
func (k *Keeper) Keep(at Place, r Refusal) {
	at.of.mu.Lock()
	at.of.items = append(at.of.items, r)
	at.of.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// take returns the oldest one, and frees its place.
func (q *queue) take() (r Refusal, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return r, false
	}
	r = q.items[0]
	q.items[0] = Refusal{}
	q.items = q.items[1:]
	q.bytes -= len(r.Body)
	q.admitted--
	n := networkOf(r.Client)
	if q.of[n]--; q.of[n] <= 0 {
		delete(q.of, n)
	}
	return r, true
}

// Run explains and writes until ctx ends; then it writes what it has explained.
func (k *Keeper) Run(ctx context.Context) {
	var writing sync.WaitGroup
	writing.Go(func() { k.write(ctx) })
	defer writing.Wait()
	w := newWindow()
	for ctx.Err() == nil {
		rest := time.Duration(strangerRest)
		r, ok := k.others.take()
		if ok {
			rest = otherRest
		} else {
			r, ok = k.strangers.take()
		}
		if !ok {
			select {
			case <-ctx.Done():
			case <-k.wake:
			}
			continue
		}
		work := k.explain(r, w)
		r = Refusal{} // the body is forgotten
		_ = await.Sleep(ctx, rest*time.Duration(work)*workTime)
	}
}

// explain makes a sample of a refusal, and hands it over to be written if the window has room for it. It returns how much work that was.
func (k *Keeper) explain(r Refusal, w *window) (work int) {
	defer func() {
		if cause := recover(); cause != nil { // what strangers send must not end the process; the cause may quote it
			k.o.Log.Log(slog.LevelError, "refused panic", "a refused delivery could not be explained: this is a fault of inorder")
		}
	}()
	s, work := sampleOf(r, k.o.Secrets(), k.known.has(networkOf(r.Client), k.o.Now()))
	if !w.admits(s, k.o.Now()) {
		k.o.Metrics.dropped(dropRate)
		return work
	}
	select {
	case k.samples <- s:
	default:
		k.o.Metrics.dropped(dropUnwritten)
	}
	return work
}
