package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"inorder/dev/chaos/check"
)

// Options of a run.
type Options struct {
	Seed     uint64
	Duration time.Duration // of the faults, as planned: what is killed takes its time to come back
	Program  string        // inorder
	Root     string        // the checkout; empty: the one that the working directory is in
	Dir      string        // gets the senders' log and those of all processes; empty: a temporary one, kept if the verdict is bad
	Out      io.Writer     // the plan, and a line now and then
	Plant    string        // for tests: one of Plants, done before the checker looks
	Settle   time.Duration // how long everything may take to come to rest; 0: three minutes
}

// Verdict is how a run ended.
type Verdict struct {
	check.Report
	Seed       uint64
	Deliveries int      // of the senders
	Attempts   int      // requests: each delivery takes one at least
	Spilled    int      // answers that say so
	Faults     int      // of the plan
	Acts       int      // of the operator
	Notes      []string // what happened, with its time
	Dir        string   // of the logs; empty if they are gone
}

// OK reports whether nothing was wrong.
func (v Verdict) OK() bool { return len(v.Wrong) == 0 }

// String is one line.
func (v Verdict) String() string {
	word := "right"
	if !v.OK() {
		word = fmt.Sprintf("WRONG (%d)", len(v.Wrong))
	}
	var ends []string
	for _, as := range slices.Sorted(maps.Keys(v.Ends)) {
		ends = append(ends, fmt.Sprintf("%d %s", v.Ends[as], as))
	}
	return fmt.Sprintf("seed %d: %s: %d events acknowledged = %s; %d orders as the oracle says; %d faults, %d acts of an operator, %d deliveries in %d requests, %d spilled",
		v.Seed, word, v.Events, strings.Join(ends, " + "), v.Orders, v.Faults, v.Acts, v.Deliveries, v.Attempts, v.Spilled)
}

// Run starts everything, hurts it, waits until it has come to rest, and judges. An error means that there is no verdict.
func Run(ctx context.Context, o Options) (v Verdict, err error) {
	if o.Settle == 0 {
		o.Settle = 3 * time.Minute
	}
	v.Seed, v.Dir = o.Seed, o.Dir
	if v.Dir == "" {
		if v.Dir, err = os.MkdirTemp("", "inorder-chaos-"); err != nil {
			return v, err
		}
	}
	fmt.Fprintf(o.Out, "seed %d, faults for %s; logs in %s\n", o.Seed, o.Duration, v.Dir)
	s, err := startSystem(ctx, o, v.Dir)
	if err != nil {
		return v, err
	}
	defer func() {
		err = errors.Join(err, s.close())
		if o.Dir == "" && err == nil && v.OK() {
			err, v.Dir = os.RemoveAll(v.Dir), ""
		}
	}()
	fmt.Fprint(o.Out, s.plan)
	err = s.run(ctx, o, &v)
	v.Notes = s.notes
	return v, err
}

func (s *system) run(ctx context.Context, o Options, v *Verdict) error {
	sending, err := newSending(o.Seed, s.urls, s.plan.receivers(), filepath.Join(v.Dir, "deliveries.jsonl"), &s.quiet)
	if err != nil {
		return err
	}
	load, people := newLoad(o.Seed), newOperator(s, o.Seed)
	begin := time.Now()
	s.during(ctx, sending, load, people)
	fmt.Fprintf(o.Out, "%s: the faults are over; %d events of %d orders\n", time.Since(begin).Round(time.Second), len(load.events), load.orders)

	unsent := s.finish(ctx, sending, o.Settle)
	resting := s.settle(ctx, sending.acknowledged(), people.lost, o.Settle)
	if err := errors.Join(ctx.Err(), sending.close()); err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "%s: at rest\n", time.Since(begin).Round(time.Second))
	if resting != nil {
		s.note(fmt.Sprint("histories: ", s.histories(ctx)))
	}
	if plant := plants[o.Plant]; plant != "" {
		if _, err := s.pool.Exec(ctx, plant); err != nil {
			return fmt.Errorf("plant %s: %w", o.Plant, err)
		}
	}
	if v.Report, err = s.judge(ctx, sending, load, people); err != nil {
		return err
	}
	for _, err := range []error{unsent, resting} {
		if err != nil {
			v.Wrong = append([]string{err.Error()}, v.Wrong...)
		}
	}
	v.Wrong = append(v.Wrong, sending.refused()...)
	v.Deliveries, v.Attempts, v.Acts = sending.sent, len(sending.attempts), people.acts
	for _, step := range s.plan.Steps {
		v.Faults += len(step.Faults)
	}
	for _, a := range sending.attempts {
		if a.Result == "spilled" {
			v.Spilled++
		}
	}
	return nil
}

// during has senders and an operator work while the plan's faults happen, and returns when those are over.
func (s *system) during(ctx context.Context, sending *sending, load *load, people *operator) {
	suffering, over := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { people.run(suffering) })
	all.Go(func() {
		for suffering.Err() == nil {
			sending.send(ctx, load.wave())
			pause(suffering, time.Second)
		}
		sending.send(ctx, load.last())
	})
	s.suffer(ctx, func(ctx context.Context) error {
		return await(ctx, func(ctx context.Context) (string, error) { return s.unrecorded(ctx, sending.acknowledged()) })
	})
	over()
	all.Wait()
}

// finish waits until every delivery is acknowledged.
func (s *system) finish(ctx context.Context, sending *sending, within time.Duration) error {
	done := make(chan struct{})
	go func() {
		sending.all.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(within):
		return fmt.Errorf("deliveries: expected all to be acknowledged within %s after the faults; the rest is in deliveries.jsonl", within)
	}
}

// judge has the checker look at what is there.
func (s *system) judge(ctx context.Context, sending *sending, load *load, people *operator) (check.Report, error) {
	ids, err := s.running(ctx)
	if err != nil {
		return check.Report{}, err
	}
	running := map[string]bool{}
	for _, id := range ids {
		running[id] = true
	}
	return check.Check(ctx, s.pool, running, sentBy(sending, load, people))
}

// sentBy is what the senders and the operator know.
func sentBy(sending *sending, load *load, people *operator) (sent []check.Sent) {
	acknowledged := sending.acknowledged()
	for _, e := range load.events {
		s := check.Sent{ID: e.id, OrderID: e.order, Told: e.told, Acknowledged: acknowledged[e.id], GivenUp: people.givenUp[e.id]}
		if amended, tried := people.amended[e.id]; tried {
			s.Correction, s.Amended = correction(e.id), amended
		}
		sent = append(sent, s)
	}
	return sent
}
