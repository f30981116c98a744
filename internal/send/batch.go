package send

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"inorder/internal/words"
)

const (
	maxLines      = 20 // deliveries that are shown one by one; more are summed up
	progressEvery = 2 * time.Second
)

// Batch is a number of deliveries that are independent of each other.
type Batch struct {
	To           *Client
	Next         func() Delivery // makes each delivery; it's not called concurrently
	Count        int
	Concurrency  int                  // how many are under way at once, 1 to MaxConcurrency
	BadSignature bool                 // sign them wrongly: all must be refused with 401; else all must be taken
	Taken        func(eventID string) // called with the event of each acknowledged delivery, one at a time; may be nil
	Out          io.Writer            // for the answers
	Progress     io.Writer
}

// Run makes all deliveries and shows their answers: each one if they are few, sums if they are many. It fails if an answer is not
// as expected. It stops early when ctx ends, or if nobody listens from the start.
func (b Batch) Run(ctx context.Context) error {
	var failed failures
	var err error
	if b.Count <= maxLines {
		err = b.few(ctx, &failed)
	} else {
		err = b.many(ctx, &failed)
	}
	switch {
	case err != nil || failed.all == 0:
		return err
	case b.BadSignature:
		return fmt.Errorf("the receiver did not answer 401 to %s with a wrong signature", b.share(failed.all))
	}
	return fmt.Errorf("the receiver did not accept %s%s", b.share(failed.all), failed.hint(b.To))
}

// share returns in words how many of the deliveries failed.
func (b Batch) share(failed int) string {
	if b.Count == 1 {
		return "the delivery"
	}
	return fmt.Sprintf("%d of %s", failed, words.Count(b.Count, "delivery"))
}

// post makes the deliveries and calls each with every answer, one at a time.
func (b Batch) post(ctx context.Context, failed *failures, each func(Delivery, answer)) error {
	refused := 0
	if b.BadSignature {
		refused = http.StatusUnauthorized
	}
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(b.Concurrency)
	var mu sync.Mutex // guards failed, answered and each
	answered := false
	for i := 0; i < b.Count && running.Err() == nil; i++ {
		d := b.Next()
		d.BadSignature = b.BadSignature
		group.Go(func() error {
			a := b.To.post(running, d)
			mu.Lock()
			defer mu.Unlock()
			answered = answered || a.err == nil
			if !answered && a.nobodyListens() {
				return b.To.errNobodyListens()
			}
			if running.Err() == nil {
				failed.count(a, refused)
				each(d, a)
				if b.Taken != nil && a.asExpected(0) && d.EventID != "" {
					b.Taken(d.EventID)
				}
			}
			return nil
		})
	}
	return cmp.Or(group.Wait(), context.Cause(ctx))
}

func (b Batch) few(ctx context.Context, failed *failures) error {
	return b.post(ctx, failed, func(d Delivery, a answer) {
		fmt.Fprintf(b.Out, "%-21s  %-22s  %-20s  %s  (%s)\n", d.Type, cmp.Or(d.OrderID, "-"), cmp.Or(d.EventID, "-"), a, short(a.took))
	})
}

// many shows progress while it runs, and then the sums, even if it was stopped.
func (b Batch) many(ctx context.Context, failed *failures) error {
	began, shown := time.Now(), time.Now()
	perSecond := func(n int) float64 { return float64(n) / time.Since(began).Seconds() }
	fmt.Fprintf(b.Progress, "sending %s, %d at once, to %s\n", words.Count(b.Count, "delivery"), b.Concurrency, b.To.url)
	answers := map[string]int{}
	var took []time.Duration
	err := b.post(ctx, failed, func(_ Delivery, a answer) {
		took = append(took, a.took)
		answers[a.String()]++
		if time.Since(shown) >= progressEvery {
			shown = time.Now()
			fmt.Fprintf(b.Progress, "  %d of %d, %.0f/s, %d not as expected\n", len(took), b.Count, perSecond(len(took)), failed.all)
		}
	})
	if n := len(took); n > 0 {
		slices.Sort(took)
		fmt.Fprintf(b.Out, "%s in %s, %.0f/s; answered within %s (half of them), %s (99 %%)\n",
			words.Count(n, "delivery"), short(time.Since(began)), perSecond(n), short(took[n/2]), short(took[n*99/100]))
		for _, text := range slices.Sorted(maps.Keys(answers)) {
			fmt.Fprintf(b.Out, "%8d  %s\n", answers[text], text)
		}
	}
	return err
}

// short returns a duration in seconds or milliseconds, for people.
func short(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}
