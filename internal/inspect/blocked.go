package inspect

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"inorder/internal/api"
	"inorder/internal/store/view"
)

const (
	mostBlockers   = 200 // events that are shown
	mostDescribed  = 20  // events whose last failure Temporal is asked for
	describedAtOne = 5
)

// Blocked returns what holds an order up: the newest of its events that have not ended, and who holds its lock. The order need not exist: events may wait
// for it. The cursor continues in the list of the order's events.
func (i *Inspector) Blocked(ctx context.Context, orderID string) (api.Blocked, error) {
	answer := api.Blocked{OrderID: orderID}
	applying, away := i.applying(ctx, api.Filter{OrderID: orderID}, view.Position{}, mostBlockers)
	found, err := read(ctx, i, func(ctx context.Context, v *view.View) (view.Blocked, error) {
		return v.Blocked(ctx, orderID, mostBlockers)
	})
	var page api.Page[api.Event]
	if err == nil {
		page = view.Merge(mostBlockers, append(found.Events, without(applying, found.Events))...)
		answer.Exists, answer.Lock = found.Exists, found.Lock
		lacks(&answer.Missing, temporal, away, "events that are being applied are not in the list, and failures are missing")
	} else { // somebody may have locked a whole table: who it is can still be found out
		answer.Lock, _ = read(ctx, i, func(ctx context.Context, v *view.View) (*api.LockHolder, error) { return v.LockHolder(ctx, orderID) })
		page, away = i.running(ctx, api.Filter{OrderID: orderID}, view.Position{}, mostBlockers, err)
		if away != nil && answer.Lock == nil {
			return answer, away
		}
		lacks(&answer.Missing, postgres, err, "events in the inbox are not in the list, and whether the order exists is not known")
	}
	answer.Events = api.Page[api.Blocker]{Data: i.blockers(ctx, page.Data), NextCursor: page.NextCursor}
	answer.Summary = summary(answer, err == nil)
	return answer, nil
}

// blockers adds what Temporal knows to the newest events.
func (i *Inspector) blockers(ctx context.Context, events []api.Event) []api.Blocker {
	all := make([]api.Blocker, len(events))
	ctx, cancel := context.WithTimeout(ctx, i.patience())
	defer cancel()
	var describing sync.WaitGroup
	slots := make(chan struct{}, describedAtOne)
	for n, e := range events {
		if all[n].Event = e; n >= mostDescribed {
			continue
		}
		describing.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if r, found, err := i.Engine.Describe(ctx, e.EventID); err == nil && found && r.Running {
				all[n].LastFailure, all[n].NextAttempt = r.LastFailure, unlessZero(r.NextAttempt)
			}
		})
	}
	describing.Wait()
	return all
}

// summary says in words what holds the order up. complete is false if PostgreSQL did not answer.
func summary(b api.Blocked, complete bool) string {
	states := map[api.State]int{}
	for _, e := range b.Events.Data {
		states[e.State]++
	}
	var parts []string
	for _, s := range []struct {
		state api.State
		says  string
	}{{api.StateApplying, "being applied"}, {api.StateInbox, "in the inbox"}, {api.StateWaiting, "waiting for the order"}, {api.StateStuck, "waiting for the order for longer than STUCK_AFTER"},
		{api.StateAttention, "in attention, until a person decides"}} {
		if n := states[s.state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s.says))
		}
	}
	text := "none of its events is waiting"
	if len(parts) > 0 {
		text = "events: " + strings.Join(parts, ", ")
		if b.Events.NextCursor != "" {
			text += ", and more"
		}
	}
	if complete && !b.Exists {
		text = "the order does not exist yet; " + text
	}
	if l := b.Lock; l != nil {
		text += fmt.Sprintf("; process %d (%s) has held %s for %s", l.PID, l.Application, l.What, (time.Duration(l.ForSeconds * float64(time.Second))).Round(time.Second))
	}
	return text
}
