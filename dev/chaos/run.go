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

// Options configure a run.
type Options struct {
	Seed     uint64
	Duration time.Duration // of the faults, as planned; restarts of killed processes take additional time
	Program  string        // path of inorder
	Root     string        // the checkout; empty: the one that contains the working directory
	Dir      string        // receives the logs of the senders and of all processes; empty: a temporary one, kept if the verdict is bad
	Out      io.Writer     // receives the plan, and a line now and then
	Plant    string        // for tests: one of Plants, carried out before the check
	Settle   time.Duration // how long the system may take to settle; 0: three minutes
}

// Verdict is the result of a run.
type Verdict struct {
	check.Report
	Seed       uint64
	Deliveries int      // by the senders
	Attempts   int      // requests: at least one per delivery
	Spilled    int      // answers with the result "spilled"
	Faults     int      // in the plan
	Acts       int      // acts of the operator that succeeded
	Notes      []string // what happened, each with its time
	Dir        string   // of the logs; empty if they were removed
}

// OK reports whether nothing was wrong.
func (v Verdict) OK() bool { return len(v.Wrong) == 0 }

// String returns the verdict in one line.
func (v Verdict) String() string {
	word := "right"
	if !v.OK() {
		word = fmt.Sprintf("WRONG (%d)", len(v.Wrong))
	}
	var ends []string
	for _, as := range slices.Sorted(maps.Keys(v.Ends)) {
		ends = append(ends, fmt.Sprintf("%d %s", v.Ends[as], as))
	}
	return fmt.Sprintf("seed %d: %s: %d events acknowledged = %s; %d orders match the oracle; %d faults, %d operator actions, %d deliveries in %d requests, %d spilled",
		v.Seed, word, v.Events, strings.Join(ends, " + "), v.Orders, v.Faults, v.Acts, v.Deliveries, v.Attempts, v.Spilled)
}

// Run starts the system, disturbs it, waits until it has settled, and has it checked. An error means that there is no verdict.
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

// during runs the senders and the operator while the plan's faults happen, and returns when the faults are over.
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
		return fmt.Errorf("deliveries: expected all to be acknowledged within %s after the faults; deliveries.jsonl lists all attempts", within)
	}
}

// judge runs the checker on the tables and the running workflows.
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

// sentBy returns what the senders and the operator know of each event.
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
