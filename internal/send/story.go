package send

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"inorder/internal/await"
	"inorder/internal/sample"
	"inorder/internal/store"
	"inorder/internal/words"
)

// pauseUnseen is the pause between the deliveries of a story whose events cannot be watched. On an idle system it is long enough
// for each event to be processed before the next.
const pauseUnseen = 500 * time.Millisecond

// Story makes a story's deliveries one after the other, each once the previous one was processed.
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
		return fmt.Errorf("%d of %s did not get the answer that the story expects%s", failed.all, words.Count(len(steps), "delivery"), failed.hint(s.To))
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
			fmt.Fprintf(s.Notes, "    not processed within %s; continuing. Is a worker running?\n", s.Wait)
		}
	}
	return taken, failed, nil
}

// clock returns when the event happened: the time of day, or only the year if that is more than a day away.
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

const (
	pollEvery = 50 * time.Millisecond
	// askAfter is how long an event may be in no table before its workflow is asked.
	askAfter = time.Second
)

func idsOf(events []sample.Options) []string {
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	return ids
}

// settle waits until no event is on its way any more, and reports false if that takes longer than s.Wait.
func (s Story) settle(ctx context.Context, events []sample.Options) (bool, error) {
	if s.Store == nil {
		return true, await.Sleep(ctx, pauseUnseen)
	}
	for began := time.Now(); ; {
		moving, err := s.moving(ctx, events, time.Since(began) > askAfter)
		if err != nil || moving == 0 || time.Since(began) > s.Wait {
			return moving == 0, err
		}
		if err := await.Sleep(ctx, pollEvery); err != nil {
			return false, err
		}
	}
}

// moving returns how many of the events are on their way. With ask, it also asks the workflows of those that are in no table.
func (s Story) moving(ctx context.Context, events []sample.Options, ask bool) (n int, err error) {
	states, err := s.Store.States(ctx, idsOf(events))
	for _, e := range states {
		if e.Outcome == "" && ask {
			e = s.Ask(ctx, e)
		}
		if e.Moving() {
			n++
		}
	}
	return n, err
}

// showOutcome prints what became of each event and of the order.
func (s Story) showOutcome(ctx context.Context, events []sample.Options) error {
	states, err := s.Store.States(ctx, idsOf(events))
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "\nWhat became of the events:\n")
	columns := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	for i, e := range states {
		if e.Outcome == "" {
			e = s.Ask(ctx, e)
		}
		if e.Outcome == "" {
			e.Outcome, e.Detail = "in flight", "it is in no table yet; is a worker running? Its workflow has the same ID"
		}
		fmt.Fprintf(columns, "  %s\t%s\t%s\t%s\n", e.ID, events[i].Type, e.Outcome, e.Detail)
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	order, err := s.Store.OrderSummary(ctx, s.OrderID)
	if err == nil {
		fmt.Fprintf(s.Out, "\nThe order:\n  %s  %s\n", s.OrderID, cmp.Or(order, "it does not exist"))
	}
	return err
}
