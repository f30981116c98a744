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
	Secrets func() Secrets // all that are or were known here; it must not block
	Table   Table
	Metrics *Metrics // default: metrics that are not registered
	Log     *loglimit.Logger
	Now     func() time.Time // default time.Now
}

// Keeper keeps samples of refused deliveries. The receiver calls it while a sender waits for the answer, so these methods never block:
//
//   - Admit, for each refusal: reports whether there is room in a queue. Strangers' refusals have a queue of their own, with few places for
//     each address. Authentic ones, and those from an address of authentic deliveries, have another queue, so that no flood takes their places.
//   - Keep, for each refusal that was admitted: hands it over.
//
// Run explains refusals in the background, while their bodies are in memory. Those of strangers take a tenth of one processor's time at most.
// Run keeps a Sample of each. Samples are bounded by rate (see window), and the table in rows and bytes (see Table). Bodies and signatures are
// forgotten as soon as they are explained. What finds no room is only counted.
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
	strangerRest = 9   // after a stranger's refusal, the Keeper rests this many times as long as the work may take
	otherRest    = 1   // and after any other
)

// queue has the refusals that wait to be explained.
type queue struct {
	mu       sync.Mutex
	admitted int // refusals that are in the queue or about to be; of and bytes count the same
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

// Admit reserves a place for a refusal whose body has that many bytes, and reports whether there was room. If so, call Keep with the place at
// once. Admit takes less than a microsecond.
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

// Keep takes a refusal that was admitted. Nobody else may change its body from then on.
func (k *Keeper) Keep(at Place, r Refusal) {
	at.of.mu.Lock()
	at.of.items = append(at.of.items, r)
	at.of.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// take removes and returns the oldest refusal, and frees its place.
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

// Run explains refusals and writes samples until ctx ends. Then it writes the samples that are left, and only counts the refusals that it has
// not explained. It may be called once.
func (k *Keeper) Run(ctx context.Context) {
	var writing sync.WaitGroup
	writing.Go(func() { k.write(ctx) })
	defer writing.Wait()
	defer close(k.samples)
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
	for _, q := range []*queue{&k.others, &k.strangers} {
		for _, left := q.take(); left; _, left = q.take() {
			k.o.Metrics.dropped(dropQueue)
		}
	}
}

// explain makes a sample of a refusal, and hands it over to be written if the window has room for it. It returns how much work that was.
func (k *Keeper) explain(r Refusal, w *window) (work int) {
	defer func() {
		if cause := recover(); cause != nil { // what strangers send must not end the process; the cause may quote it
			k.o.Log.Log(slog.LevelError, "refused panic", "a refused delivery could not be explained: this is a bug in inorder")
			work = maxWork // how much it was is not known, and the Keeper must rest
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
