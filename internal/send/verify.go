package send

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"inorder/internal/await"
	"inorder/internal/store"
	"inorder/internal/words"
)

const (
	verifyEvery = 300 * time.Millisecond
	verifyPage  = 1000 // events that are asked for at once
	maxNamed    = 20   // events without an end that an error names

	// releasedWithin is how long events that wait for an order are still polled after all others have ended.
	releasedWithin = 2 * time.Second
)

// Verifier checks what became of events that were acknowledged.
type Verifier struct {
	// States returns the states of events, in any order.
	States func(ctx context.Context, eventIDs []string) ([]store.EventState, error)
	Wait   time.Duration // how long nothing may change before the events that are left count as lost
	Out    io.Writer     // the sums
	Notes  io.Writer     // the progress
}

// OpenError says that some acknowledged events have not ended, but wait or need attention, where people see them: none is lost.
type OpenError struct{ Open, Of int }

func (e *OpenError) Error() string {
	return fmt.Sprintf("%s not ended, of %d: waiting for an order, or in attention, where inorder events list shows them",
		words.Phrase(e.Open, "acknowledged event has", "acknowledged events have"), e.Of)
}

// Run polls until every event has ended or needs attention, or nothing changes any more, and prints how many events have each outcome.
// Events that nobody knows, or that are still on their way, are an error that names them. If there are none of these, but some events
// wait or need attention, the error is an *OpenError.
func (v Verifier) Run(ctx context.Context, eventIDs []string) error {
	found := make(map[string]store.EventState, len(eventIDs))
	for _, id := range eventIDs {
		found[id] = store.EventState{ID: id}
	}
	open := slices.Sorted(maps.Keys(found))
	for began, changed, shown := time.Now(), time.Now(), time.Now(); ; {
		moved, err := v.look(ctx, found, open)
		if err != nil {
			return err
		}
		open = slices.DeleteFunc(open, func(id string) bool { return ended(found[id]) })
		moving := slices.DeleteFunc(slices.Clone(open), func(id string) bool { return !found[id].Moving() })
		if moved {
			changed = time.Now()
		}
		patience := v.Wait
		if len(moving) == 0 { // what waits may be about to be released
			patience = min(patience, releasedWithin)
		}
		settled := !slices.ContainsFunc(open, func(id string) bool { return found[id].Outcome != "attention" })
		if settled || time.Since(changed) > patience {
			return v.sumUp(found, moving, len(open)-len(moving), time.Since(began))
		}
		if len(moving) > 0 && time.Since(shown) >= progressEvery {
			shown = time.Now()
			fmt.Fprintf(v.Notes, "  %d of %s not ended yet\n", len(moving), words.Count(len(found), "event"))
		}
		if err := await.Sleep(ctx, verifyEvery); err != nil {
			return err
		}
	}
}

// ended reports whether an event stays as it is.
func ended(e store.EventState) bool {
	return !e.Moving() && !slices.Contains([]string{"waiting", "stuck", "attention"}, string(e.Outcome))
}

// look reads the states of the open events, and reports whether one has changed.
func (v Verifier) look(ctx context.Context, found map[string]store.EventState, open []string) (moved bool, err error) {
	for page := range slices.Chunk(open, verifyPage) {
		states, err := v.States(ctx, page)
		if err != nil {
			return false, err
		}
		for _, e := range states {
			moved = moved || found[e.ID] != e
			found[e.ID] = e
		}
	}
	return moved, nil
}

func (v Verifier) sumUp(found map[string]store.EventState, lost []string, open int, took time.Duration) error {
	sums := map[string]int{}
	for _, e := range found {
		sums[string(e.Outcome)]++
	}
	sums["without an end"] = len(lost)
	delete(sums, "")
	fmt.Fprintf(v.Out, "%s after %s:\n", words.Count(len(found), "acknowledged event"), short(took))
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		if sums[name] > 0 {
			fmt.Fprintf(v.Out, "%8d  %s\n", sums[name], name)
		}
	}
	switch {
	case len(lost) == 0 && open > 0:
		return &OpenError{Open: open, Of: len(found)}
	case len(lost) == 0:
		return nil
	}
	named := strings.Join(lost[:min(len(lost), maxNamed)], " ")
	if more := len(lost) - maxNamed; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Errorf("%d of %s did not end, and nothing changed for %s: %s", len(lost), words.Count(len(found), "acknowledged event"), v.Wait, named)
}
