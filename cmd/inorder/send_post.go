package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"syscall"
)

// maxLines is how many deliveries are shown one by one; more are summed up.
const maxLines = 20

// refused is the status that every delivery must be answered, or 0 if it must be taken.
func (s *sendCmd) refused() int {
	if s.BadSignature {
		return http.StatusUnauthorized
	}
	return 0
}

// post makes all deliveries, Concurrency at once, and hands each answer over, one at a time. It stops early when ctx
// ends, or when nobody listens from the start.
func (s *sendCmd) post(ctx context.Context, to *sender, next func() request, each func(request, answer)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex // of next, each and what follows
	left, answered := s.Repeat, false
	take := func() (request, bool) {
		mu.Lock()
		defer mu.Unlock()
		if left == 0 || ctx.Err() != nil {
			return request{}, false
		}
		left--
		return next(), true
	}
	var senders sync.WaitGroup
	for range s.Concurrency {
		senders.Go(func() {
			for d, more := take(); more; d, more = take() {
				a := to.post(ctx, d)
				mu.Lock()
				answered = answered || a.err == nil
				if !answered && errors.Is(a.err, syscall.ECONNREFUSED) {
					cancel(to.nobody())
				}
				if ctx.Err() == nil {
					each(d, a)
				}
				mu.Unlock()
			}
		})
	}
	senders.Wait()
	return context.Cause(ctx)
}

// sendFew shows every delivery.
func (s *sendCmd) sendFew(ctx context.Context, to *sender, next func() request, std streams) error {
	failed := failures{}
	err := s.post(ctx, to, next, func(d request, a answer) {
		fmt.Fprintf(std.out, "%-21s  %-22s  %-20s  %s  (%s)\n", d.eventType, or(d.orderID, "-"), or(d.eventID, "-"), a, shortly(a.took))
		failed.count(a, s.refused())
	})
	if err != nil {
		return err
	}
	return s.verdict(failed, to)
}

// failures are the deliveries that were not answered as they should be, and those of them that should be taken and were
// answered 401.
type failures struct{ all, unknown int }

func (f *failures) count(a answer, refused int) {
	if a.asExpected(refused) {
		return
	}
	f.all++
	if refused == 0 && a.status == http.StatusUnauthorized {
		f.unknown++
	}
}

// why goes behind what says how many there are.
func (f failures) why(to *sender) string {
	if f.unknown == 0 {
		return ""
	}
	return "; " + to.unknown()
}

// verdict is the error, if there was a delivery that was not answered as it should be.
func (s *sendCmd) verdict(failed failures, to *sender) error {
	switch {
	case failed.all == 0:
		return nil
	case s.BadSignature:
		return fmt.Errorf("%d of %d deliveries with a wrong signature were not refused with 401", failed.all, s.Repeat)
	}
	return fmt.Errorf("%d of %d deliveries were not taken%s", failed.all, s.Repeat, failed.why(to))
}
