package inspect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"inorder/internal/api"
	"inorder/internal/operate"
	"inorder/internal/store/view"
	"inorder/internal/sweep"
)

// known is what both servers know of one event.
type known struct {
	api.EventView
	recorded bool        // PostgreSQL has it
	noView   error       // why PostgreSQL did not answer
	run      operate.Run // the newest run of its workflow
	hasRun   bool
	away     error // why Temporal did not answer
	replay   operate.Run
}

// Event returns one event with all that is known of it.
func (i *Inspector) Event(ctx context.Context, id string) (api.EventView, error) {
	k := known{}
	k.EventView, k.noView = read(ctx, i, func(ctx context.Context, v *view.View) (e api.EventView, err error) {
		e, k.recorded, err = v.Event(ctx, id)
		return e, err
	})
	if k.noView != nil {
		if isFault(k.noView) {
			return k.EventView, k.noView
		}
		k.EventView = api.EventView{Event: api.Event{EventID: id}, Timeline: []api.Moment{}}
	}
	i.askEngine(ctx, &k)
	if !k.recorded && !k.hasRun {
		return k.EventView, k.unknown()
	}
	if !k.recorded {
		i.fromRun(ctx, &k)
	}
	k.addRun()
	k.Actions = k.fitting()
	if k.hasRun {
		k.TemporalURL = i.Engine.URL(k.WorkflowID, k.RunID)
	}
	view.SortTimeline(k.Timeline)
	lacks(&k.Missing, postgres, k.noView, "without PostgreSQL, only what Temporal knows about people's actions and the event's state is shown; nothing can be done to the event meanwhile")
	lacks(&k.Missing, temporal, k.away, "attempts, the last failure and the next attempt are missing; actions that need a workflow, such as a retry or a replay, can't be done meanwhile")
	return k.EventView, nil
}

// unknown returns why nothing is known of the event.
func (k *known) unknown() error {
	switch {
	case k.noView != nil && k.away != nil:
		return unavailable(postgres, because(k.noView)+"Temporal does not answer either: try again in a moment", k.noView)
	case k.noView != nil:
		return unavailable(postgres, because(k.noView)+"Temporal does not know the event: try again in a moment", k.noView)
	case k.away != nil:
		return unavailable(temporal, "PostgreSQL does not have the event: try again in a moment", k.away)
	}
	return &operate.UnknownError{EventID: k.EventID}
}

// askEngine asks Temporal, all at once, for the run of the event's workflow, for a replay under way, and for when a waiting event is applied again.
func (i *Inspector) askEngine(ctx context.Context, k *known) {
	workflowID := cmp.Or(k.WorkflowID, k.EventID)
	var all sync.WaitGroup
	all.Go(func() {
		k.run, k.away = ask(ctx, i, func(ctx context.Context) (r operate.Run, err error) {
			r, k.hasRun, err = i.Engine.Describe(ctx, workflowID)
			return r, err
		})
	})
	if k.State == api.StateEnded {
		all.Go(func() { k.replay = i.replayOf(ctx, k.EventView) })
	}
	if k.State == api.StateWaiting || k.State == api.StateStuck {
		all.Go(func() { // NextLook needs a worker: without one the event is shown all the same
			ctx, cancel := context.WithTimeout(ctx, i.patience()/4)
			defer cancel()
			next, err := i.Engine.NextLook(ctx, workflowID)
			if next = next.UTC(); err == nil && !next.IsZero() {
				k.NextAttempt = &next
			}
		})
	}
	all.Wait()
}

// replayOf returns the running replay of an ended event, or the zero run. A replay that took effect is in the timeline, so the running one
// has the next number, or the last.
func (i *Inspector) replayOf(ctx context.Context, e api.EventView) operate.Run {
	n := 0
	for _, m := range e.Timeline {
		if m.What == string(api.Replay) {
			n++
		}
	}
	for _, n := range []int{n + 1, n} {
		if n == 0 {
			break
		}
		r, err := ask(ctx, i, func(ctx context.Context) (operate.Run, error) {
			r, _, err := i.Engine.Describe(ctx, sweep.ReplayID(e.EventID, n))
			return r, err
		})
		if err != nil || r.Running {
			return r
		}
	}
	return operate.Run{}
}

// fromRun fills in what Temporal knows of an event that PostgreSQL does not have, or could not be asked about.
func (i *Inspector) fromRun(ctx context.Context, k *known) {
	r := k.run
	found := false
	e, err := ask(ctx, i, func(ctx context.Context) (e api.Event, err error) {
		in, ok, err := i.Engine.Input(ctx, sweep.Run{WorkflowID: r.WorkflowID, RunID: r.RunID})
		if found = ok; !ok || err != nil {
			return e, err
		}
		k.Payload = view.JSON(in.Body)
		return api.Event{EventID: k.EventID, Type: in.Type, OrderID: in.OrderID(), StoreID: in.StoreID, ReceivedAt: in.ReceivedAt.UTC(), OccurredAt: unlessZero(in.OccurredAt)}, nil
	})
	if err != nil || !found {
		e = api.Event{EventID: k.EventID, ReceivedAt: r.StartedAt.UTC()}
	}
	k.Event, k.WorkflowID = e, r.WorkflowID
	switch {
	case r.Running:
		k.State = cmp.Or(api.State(r.Phase), api.StateApplying)
	case r.Status == "completed":
		k.State = api.StateEnded
	default:
		k.State = api.StateApplying
	}
	if k.State != api.StateEnded {
		k.AgeSeconds = max(0, time.Since(e.ReceivedAt).Seconds())
	}
	k.Timeline = append(k.Timeline, api.Moment{At: e.ReceivedAt, What: "received"})
	if k.State == api.StateEnded {
		k.Timeline = append(k.Timeline, api.Moment{At: r.ClosedAt.UTC(), What: "ended"})
	}
}

func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// addRun adds the attempts, and completes the reason with what only the run shows.
func (k *known) addRun() {
	if k.replay.Running {
		k.run, k.hasRun = k.replay, true
	}
	r := k.run
	if k.hasRun {
		k.WorkflowID, k.RunID = r.WorkflowID, r.RunID
	} else if k.away == nil && k.State == api.StateEnded {
		k.WorkflowID = "" // Temporal has forgotten it
	}
	if r.Running && r.Attempt > 0 {
		k.Attempts, k.LastFailure = r.Attempt, r.LastFailure
		if r.Activity == activityApply || k.State == api.StateApplying {
			k.NextAttempt = unlessZero(r.NextAttempt)
		}
		if r.LastFailure != "" && !r.FailedAt.IsZero() {
			k.Timeline = append(k.Timeline, api.Moment{At: r.FailedAt.UTC(), What: "attempt", Text: fmt.Sprintf("%s, attempt %d: %s", r.Activity, r.Attempt-1, r.LastFailure)})
		}
	}
	if k.noView == nil || !k.recorded {
		k.Reason = k.reason(r)
	}
}

const activityApply = "ApplyEvent"

// reason returns in words why the event is where it is.
func (k *known) reason(r operate.Run) string {
	switch {
	case k.replay.Running:
		return k.Reason + "; it is being applied again"
	case k.State == api.StateEnded && !k.recorded && k.noView == nil:
		return "it ended longer ago than EVENT_RETENTION, so its outcome is no longer kept"
	case k.State == api.StateEnded && !k.recorded:
		return "it has ended"
	case k.State == api.StateEnded && r.Releases():
		return k.Reason + "; its workflow is still waking the events that wait for the order"
	case k.State == api.StateEnded && r.Running:
		return k.Reason + "; its workflow ends at its next attempt"
	case k.State == api.StateEnded:
		return k.Reason
	case k.State == api.StateApplying && !r.Running && k.noView != nil:
		return fmt.Sprintf("its workflow is %s, and PostgreSQL could not be asked whether it has the event: if it does not, a retry starts it again, and so does the sweep", r.Status)
	case k.State == api.StateApplying && !r.Running:
		return fmt.Sprintf("its workflow is %s, and PostgreSQL does not have the event: a retry starts it again, and so does the sweep", r.Status)
	case k.State == api.StateApplying && r.LastFailure != "":
		return "applying it fails, and is retried until it succeeds: " + r.LastFailure
	case k.State == api.StateApplying:
		return "it is being applied"
	case k.State == api.StateInbox && r.Running:
		return k.Reason + "; its workflow has it, too"
	case k.State == api.StateInbox, k.away != nil, r.Running:
		return cmp.Or(k.Reason, "its workflow says "+string(k.State))
	case !k.hasRun:
		return k.Reason + "; it has no workflow: a retry starts one, and so does the sweep"
	}
	return fmt.Sprintf("%s; its workflow is %s: a retry starts it again, and so does the sweep", k.Reason, r.Status)
}

// fitting returns the actions that fit now and can be done. Every action begins in PostgreSQL, so none can be done while PostgreSQL does
// not answer.
func (k *known) fitting() []api.Action {
	if k.noView != nil {
		return []api.Action{}
	}
	purged := k.State == api.StateEnded && !k.recorded
	actions := operate.Fits(k.State, k.run.Releases(), purged || k.PayloadRemovedAt != nil)
	if k.away != nil { // discard, amend, and a retry in the inbox need PostgreSQL only
		actions = slices.DeleteFunc(actions, func(a api.Action) bool {
			return a == api.Replay || a == api.Retry && k.State != api.StateInbox
		})
	}
	return actions
}
