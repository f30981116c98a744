package inbox

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"inorder"
	"inorder/internal/loglimit"
	"inorder/internal/store"
)

// starter starts the workflows of events that can't end now. It runs beside the drainer, which must not wait for Temporal. An
// event that finds no room here, or that Temporal does not take, becomes due again by itself.
type starter struct {
	store   *store.Store
	start   func(context.Context, inorder.Event) error
	breaker circuitbreaker.CircuitBreaker[any]
	queue   chan store.Starting
	allowed atomic.Bool

	mu     sync.Mutex
	bytes  int              // of the bodies that are here
	states map[string]state // by event ID
	latest map[string]int   // by event ID, the latest Attempts of the event's row
}

// state is where an event in the starter stands. An event that becomes due again while it waits here is not started twice.
type state int

const (
	waits state = iota + 1
	begun
	again // added again while its start was under way; that start may have come too early to wake it, so its row stays
)

const (
	// On a small machine acknowledging deliveries comes first, then applying events, and starting workflows last.
	startsAtOnce = 2
	startTimeout = 10 * time.Second
	maxStarts    = 512     // events that may wait
	maxWaiting   = 8 << 20 // bytes of their bodies; a single event may always wait

	maxRemoved = 64 // most events that are started before their rows are removed
)

var errAway = errors.New("no answer from Temporal lately")

func newStarter(o Options) *starter {
	return &starter{
		store: o.Store, start: o.Start, queue: make(chan store.Starting, maxStarts), states: map[string]state{}, latest: map[string]int{},
		breaker: circuitbreaker.NewBuilder[any]().WithFailureThreshold(failuresToOpen).WithSuccessThreshold(1).WithDelay(openFor).Build(),
	}
}

// room returns how many more events can be added.
func (s *starter) room() int { return cap(s.queue) - len(s.queue) }

func (s *starter) add(e store.Starting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.states[e.ID] {
	case waits:
		s.latest[e.ID] = e.Attempts
		return
	case again:
		return
	case begun:
		s.states[e.ID] = again
		return
	}
	if s.bytes > 0 && s.bytes+len(e.Body) > maxWaiting {
		return
	}
	select {
	case s.queue <- e:
		s.states[e.ID], s.latest[e.ID] = waits, e.Attempts
		s.bytes += len(e.Body)
	default:
	}
}

func (s *starter) run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for range startsAtOnce {
		all.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case e := <-s.queue:
					s.several(ctx, e)
				}
			}
		})
	}
}

// several starts queued events one after the other, at most maxRemoved, and then updates their rows in the inbox.
func (s *starter) several(ctx context.Context, e store.Starting) {
	var there, left []string
	var cause error
	for {
		s.begin(e.ID)
		if err := s.one(ctx, e.Event); err != nil {
			left, cause = append(left, e.ID), err
		} else {
			there = append(there, e.ID)
		}
		if len(there)+len(left) == maxRemoved {
			break
		}
		select {
		case e = <-s.queue:
			continue
		default:
		}
		break
	}
	// An error here does no harm: the row comes up again, and a workflow that runs twice finds what was recorded.
	for attempts, done := range s.end(there, left) {
		_ = s.store.RemoveInbox(ctx, done, attempts)
	}
	if len(left) > 0 {
		_ = s.store.ExplainInbox(ctx, left, "its workflow could not be started: "+loglimit.OneLine(cause))
	}
}

func (s *starter) begin(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[id] = begun
}

// end forgets events whose start has ended, and returns those whose rows can be removed, grouped by Attempts. An event that is added
// from now on is started again.
func (s *starter) end(there, left []string) (done map[int][]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done = map[int][]string{}
	for _, id := range there {
		if attempts := s.latest[id]; s.states[id] != again {
			done[attempts] = append(done[attempts], id)
		}
	}
	for _, id := range append(there, left...) {
		delete(s.states, id)
		delete(s.latest, id)
	}
	return done
}

func (s *starter) one(ctx context.Context, e inorder.Event) error {
	defer s.gone(e)
	if !s.allowed.Load() || !s.breaker.TryAcquirePermit() {
		return errAway
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
	defer cancel()
	err := s.start(ctx, e)
	if err != nil {
		s.breaker.RecordFailure()
	} else {
		s.breaker.RecordSuccess()
	}
	return err
}

// gone frees the room of the event's body.
func (s *starter) gone(e inorder.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes -= len(e.Body)
}
