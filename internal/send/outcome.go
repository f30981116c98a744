package send

import (
	"cmp"
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"inorder/internal/await"
	"inorder/internal/sample"
)

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

// moving returns how many of the events are on their way. With ask it asks the workflows of those that are in no table.
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
