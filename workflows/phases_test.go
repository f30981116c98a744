package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/activities"
	"inorder/internal/store"
	sweeping "inorder/internal/sweep"
	"inorder/worker"
	"inorder/workflows"
)

// phased is an event in a phase, on real servers.
type phased struct {
	*system
	e     inorder.Event
	waits inorder.Event // the event that e, while it is releasing, wakes
	back  func()        // removes what keeps e in the phase; nil if only a person or another event can
}

// phases bring an event into each phase.
var phases = map[string]func(*testing.T) *phased{
	"applying": func(t *testing.T) *phased {
		p := begun(t, "order.created", confirmed)
		p.awaitPhase(p.e, workflows.PhaseApplying)
		return p
	},
	"waiting": func(t *testing.T) *phased {
		s := newSystem(t)
		s.work()
		p := &phased{system: s, e: s.event("order.paid", "")}
		s.begin(p.e)
		s.awaitPhase(p.e, workflows.PhaseWaiting)
		return p
	},
	"stuck": func(t *testing.T) *phased {
		s := newSystem(t)
		s.work(shortWait)
		p := &phased{system: s, e: s.event("order.paid", "")}
		s.begin(p.e)
		s.awaitPhase(p.e, workflows.PhaseStuck)
		return p
	},
	"attention": func(t *testing.T) *phased {
		s := newSystem(t)
		s.work()
		p := &phased{system: s, e: s.eventAt("order.created", time.Now().Add(2*time.Hour), confirmed)} // too late, until allow is called
		s.begin(p.e)
		s.awaitPhase(p.e, workflows.PhaseAttention)
		return p
	},
	"releasing": func(t *testing.T) *phased {
		s := newSystem(t)
		s.work()
		p := &phased{system: s, waits: s.event("order.paid", ""), e: s.event("order.created", confirmed)}
		s.begin(p.waits)
		s.awaitPhase(p.waits, workflows.PhaseWaiting)
		s.exec(`ALTER TABLE pending_events RENAME COLUMN detail TO detail_away`) // no event can be parked or found
		s.exec(`ALTER TABLE pending_events RENAME COLUMN received_at TO received_at_away`)
		p.back = func() {
			s.exec(`ALTER TABLE pending_events RENAME COLUMN received_at_away TO received_at`)
			s.exec(`ALTER TABLE pending_events RENAME COLUMN detail_away TO detail`)
		}
		s.begin(p.e)
		s.eventually("the release fails", func() bool { return s.attempts(p.e) > 1 })
		return p
	},
}

// begun starts an event that can't be applied until back is called.
func begun(t *testing.T, eventType, data string) *phased {
	s := newSystem(t)
	s.work()
	s.exec(`ALTER TABLE orders RENAME TO orders_away`)
	p := &phased{system: s, e: s.event(eventType, data), back: func() { s.exec(`ALTER TABLE orders_away RENAME TO orders`) }}
	s.begin(p.e)
	return p
}

// allow replaces the worker with one that accepts the date of an event in attention.
func (p *phased) allow() {
	p.Helper()
	p.work(func(o *worker.Options) { o.MaxEventSkew = 3 * time.Hour })
}

func (p *phased) restore() {
	if p.back != nil {
		p.back()
		p.back = nil
	}
}

// released reports whether the event that e wakes has been applied.
func (p *phased) released() bool {
	return p.waits.ID != "" && p.text(`SELECT outcome FROM webhook_events WHERE event_id = $1`, p.waits.ID) == "applied"
}

// ends waits until the event has ended, and requires the outcome.
func (p *phased) ends(outcome inorder.Outcome) {
	p.Helper()
	p.eventually(fmt.Sprintf("%s is %s", p.e.ID, outcome), func() bool {
		return p.text(`SELECT outcome FROM webhook_events WHERE event_id = $1`, p.e.ID) == string(outcome)
	})
	p.eventually("its workflow completes", func() bool { return p.status(p.e) == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED })
	require.Equal(p, "0", p.text(`SELECT count(*) FROM pending_events WHERE event_id = $1`, p.e.ID))
	if p.waits.ID != "" {
		p.eventually("what waited is applied", func() bool { return p.text(`SELECT payment_status FROM orders`) == "paid" })
	}
}

// sweep sweeps as the schedule does, or byHand as `inorder recover` does, again and again until the report satisfies until.
func (p *phased) sweep(byHand bool, until func(sweeping.Report) bool) {
	p.Helper()
	p.eventually("the sweep brings it back", func() bool {
		if byHand {
			s := sweeping.Sweep{Store: store.New(p.pool), Engine: p.events(), All: true, Since: time.Now().Add(-time.Hour), Retention: 720 * time.Hour, Now: time.Now()}
			r, err := s.Run(p.Context())
			require.NoError(p, err)
			require.Zero(p, r.Failed, r.Notes)
			return until(r)
		}
		run, err := p.client.ExecuteWorkflow(p.Context(), client.StartWorkflowOptions{TaskQueue: p.queue}, workflows.SweepEventsType)
		require.NoError(p, err)
		var r activities.SweepEventsResult
		require.NoError(p, run.Get(p.Context(), &r))
		require.Zero(p, r.Failed, r.Notes)
		return until(r.Report)
	})
}

// release provides what the event's phase waits for, and returns the outcome.
func (p *phased) release(phase string) inorder.Outcome {
	p.Helper()
	switch phase {
	case "waiting", "stuck":
		p.result(p.begin(p.event("order.created", confirmed)))
	case "attention":
		p.signal(p.e, workflows.SignalDiscard, workflows.Discard{Reason: "enough", Actor: "ops"})
		return inorder.Discarded
	}
	return inorder.Applied
}

// again waits until the event is in its phase again, and lets it go on.
func (p *phased) again(phase string) {
	p.Helper()
	if phase == "waiting" || phase == "stuck" || phase == "attention" {
		p.awaitPhase(p.e, workflows.Phase(phase))
	}
	p.ends(p.release(phase))
}

// firstTask returns the history event to which the UI's "first workflow task" resets.
func (p *phased) firstTask() int64 {
	p.Helper()
	events := p.client.GetWorkflowHistory(p.Context(), p.e.ID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(p, err)
		if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			return e.GetEventId()
		}
	}
	return 0
}

// betweenAttempts waits until the next attempt is far enough away for a machine that stalls, and returns when it comes. An attempt in the
// middle of what follows could hold the order's lock, or apply the event.
func (p *phased) betweenAttempts() (next time.Time) {
	p.Helper()
	p.eventually("it is a while until the next attempt", func() bool { next = p.nextAttempt(); return time.Until(next) > 7*time.Second })
	return next
}

// nextAttempt returns when the event's pending activity is tried again; zero if none will be.
func (p *phased) nextAttempt() time.Time {
	p.Helper()
	d, err := describe(p.Context(), p.client, p.e.ID)
	require.NoError(p, err)
	if len(d.GetPendingActivities()) == 0 {
		return time.Time{}
	}
	return d.GetPendingActivities()[0].GetScheduledTime().AsTime()
}
