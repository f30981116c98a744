package send

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"inorder/internal/sample"
	"inorder/internal/store"
)

// pauseUnseen is between the deliveries of a story whose events cannot be watched: long enough for each to be processed
// before the next, on an idle system.
const pauseUnseen = 500 * time.Millisecond

// Story makes a story's deliveries one after the other, each when the one before was processed.
type Story struct {
	sample.Story
	To      *Client
	OrderID string
	Store   *store.Store // nil: what becomes of the events is not shown
	// Ask completes the state of an event that is in no table from its workflow, or returns it as it is.
	Ask   func(context.Context, store.EventState) store.EventState
	Wait  time.Duration // how long an event may take to be processed before the story goes on without waiting
	Out   io.Writer
	Notes io.Writer // where the story reports that it no longer waits
}

// Run shows each delivery and its answer, then what became of the events and their order, then what to try next. It fails if
// a delivery was not answered as the story expects.
func (s Story) Run(ctx context.Context) error {
	steps := s.Steps(s.OrderID, time.Now())
	fmt.Fprintf(s.Out, "%s: %s\n\nOrder %s, to %s\n\n", s.Name, s.Shows, s.OrderID, s.To.url)

	taken, failed, err := s.deliver(ctx, steps)
	if err != nil {
		return err
	}
	if failed.all > 0 {
		return fmt.Errorf("%d of %d deliveries were not answered as the story expects%s", failed.all, len(steps), failed.hint(s.To))
	}
	if s.Store == nil {
		fmt.Fprintf(s.Out, "\nDATABASE_URL is not set, so what became of them is not shown here.\n")
	} else if err := s.showOutcome(ctx, taken); err != nil {
		return err
	}
	if s.Next != "" {
		last := steps[len(steps)-1].Event.ID
		next := strings.NewReplacer("ORDER", s.OrderID, "EVENT", last, "\n", "\n  ").Replace(s.Next)
		fmt.Fprintf(s.Out, "\nTry next:\n  %s\n", next)
	}
	return nil
}

// deliver returns the events that were taken, each once, and the deliveries that were not answered as expected.
func (s Story) deliver(ctx context.Context, steps []sample.Step) (taken []sample.Options, failed failures, err error) {
	width, slow := 0, false
	for _, step := range steps {
		width = max(width, len(step.Note))
	}
	for i, step := range steps {
		d := DeliveryOf(step.Event)
		d.BadSignature = step.BadSignature
		if step.Body != nil {
			d.Body = step.Body
		}
		a := s.To.post(ctx, d)
		switch {
		case ctx.Err() != nil:
			return nil, failed, context.Cause(ctx)
		case a.nobodyListens():
			return nil, failed, s.To.errNobodyListens()
		}
		fmt.Fprintf(s.Out, "%2d  %-19s  %s  %-*s  %s\n", i+1, cmp.Or(d.Type, "(no type)"), clock(step.Event), width, step.Note, a)
		failed.count(a, step.Refused)
		if a.asExpected(step.Refused) && step.Refused == 0 && !contains(taken, step.Event.ID) {
			taken = append(taken, step.Event)
		}
		if slow {
			continue
		}
		settled, err := s.settle(ctx, taken)
		if err != nil {
			return nil, failed, err
		}
		if slow = !settled; slow {
			fmt.Fprintf(s.Notes, "    not processed within %s; going on. Is a worker running?\n", s.Wait)
		}
	}
	return taken, failed, nil
}

// clock returns when the event happened: the time alone, or the year if it is not of these days.
func clock(o sample.Options) string {
	switch age := time.Since(o.At); {
	case o.At.IsZero():
		return "        "
	case age.Abs() > 24*time.Hour:
		return "in " + o.At.Format("2006") + " "
	}
	return o.At.Local().Format(time.TimeOnly)
}

func contains(events []sample.Options, id string) bool {
	return slices.ContainsFunc(events, func(o sample.Options) bool { return o.ID == id })
}
