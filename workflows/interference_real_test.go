package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/activities"
	"inorder/internal/store"
	sweeping "inorder/internal/sweep"
	"inorder/workflows"
)

// event in a phase, on real servers.
type phased struct {
	*system
	e     inorder.Event
	waits inorder.Event // what waits for e's order, while e is releasing it
	back  func()        // takes away what keeps it in the phase; nil if only a person or another event can
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
		// Dated so that a retry some seconds from now finds nothing wrong with it.
		p := &phased{system: s, e: s.eventAt("order.created", time.Now().Add(time.Hour+3*time.Second), confirmed)}
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

// begun is an event that can't be applied until back is called.
func begun(t *testing.T, eventType, data string) *phased {
	s := newSystem(t)
	s.work()
	s.exec(`ALTER TABLE orders RENAME TO orders_away`)
	p := &phased{system: s, e: s.event(eventType, data), back: func() { s.exec(`ALTER TABLE orders_away RENAME TO orders`) }}
	s.begin(p.e)
	return p
}

func (s *system) exec(sql string, args ...any) {
	s.Helper()
	_, err := s.pool.Exec(s.Context(), sql, args...)
	require.NoError(s, err)
}

// attempts is how often the event's pending activity was tried.
func (s *system) attempts(e inorder.Event) int32 {
	s.Helper()
	d, err := describe(s.Context(), s.client, e.ID)
	require.NoError(s, err)
	if len(d.GetPendingActivities()) != 1 {
		return 0
	}
	return d.GetPendingActivities()[0].GetAttempt()
}

func (p *phased) restore() {
	if p.back != nil {
		p.back()
		p.back = nil
	}
}

// ends returns when the event has ended, and requires how.
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

// sweep sweeps as the schedule does, or as `inorder recover` does, until it has started something.
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

// release lets the event go on by what its phase waits for.
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

// again waits until the event is in its phase again, and lets it go on from there.
func (p *phased) again(phase string) {
	p.Helper()
	if phase == "waiting" || phase == "stuck" || phase == "attention" {
		p.awaitPhase(p.e, workflows.Phase(phase))
	}
	p.ends(p.release(phase))
}

func TestCancelInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			require.NoError(t, p.client.CancelWorkflow(t.Context(), p.e.ID, ""))
			if phase == "applying" || phase == "releasing" {
				p.settled(p.e)
				p.restore()
			}
			if phase == "releasing" {
				p.ends(inorder.Applied)
				return
			}
			p.ends(inorder.Discarded)
			require.Equal(t, "canceled in Temporal (by test)", p.text(`SELECT detail FROM webhook_events`))
			require.Equal(t, "0", p.text(`SELECT count(*) FROM orders`))
			p.result(p.begin(p.event("order.created", confirmed)))
			require.Equal(t, "", p.text(`SELECT payment_status FROM orders`), "what was given up is not applied later")
		})
	}
}

func TestTerminateInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			require.NoError(t, p.client.TerminateWorkflow(t.Context(), p.e.ID, "", "a mistake"))
			p.restore()
			p.exec(`UPDATE orders SET created_at = now() - interval '1 hour'`) // a younger one is left to the workflow that created it
			p.sweep(false, func(r sweeping.Report) bool { return r.Started+r.Woken > 0 })
			if phase == "releasing" {
				require.Equal(t, "applied", p.text(`SELECT outcome FROM webhook_events WHERE event_id = $1`, p.e.ID))
				p.eventually("what waited is applied", func() bool { return p.text(`SELECT payment_status FROM orders`) == "paid" })
				return
			}
			p.again(phase)
		})
	}
}

func TestDeleteInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			_, err := p.client.WorkflowService().DeleteWorkflowExecution(t.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
				Namespace: client.DefaultNamespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: p.e.ID}})
			require.NoError(t, err)
			p.eventually("it is deleted", func() bool {
				_, err := describe(t.Context(), p.client, p.e.ID)
				return err != nil
			})
			p.restore()
			switch phase {
			case "applying": // the exception: PostgreSQL never took it, and it lives on only if the platform delivers it again
				p.begin(p.e)
				p.ends(inorder.Applied)
			case "releasing":
				p.sweep(true, func(r sweeping.Report) bool { return r.Woken == 1 })
				p.eventually("what waited is applied", func() bool { return p.text(`SELECT payment_status FROM orders`) == "paid" })
			case "waiting", "stuck":
				p.sweep(false, func(r sweeping.Report) bool { return r.Started == 0 }) // its row was seen a moment ago
				p.sweep(true, func(r sweeping.Report) bool { return r.Started == 1 })
				p.again(phase)
			case "attention":
				p.sweep(false, func(r sweeping.Report) bool { return r.Started == 1 })
				p.again(phase)
			}
		})
	}
}

func TestResetInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			d, err := describe(t.Context(), p.client, p.e.ID)
			require.NoError(t, err)
			_, err = p.client.ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
				Namespace: client.DefaultNamespace, WorkflowExecution: d.GetWorkflowExecutionInfo().GetExecution(),
				Reason: "try again", RequestId: p.e.ID, WorkflowTaskFinishEventId: p.firstTask()})
			require.NoError(t, err)
			p.restore()
			p.again(phase)
		})
	}
}

// firstTask is the event of history to which the UI resets by "first workflow task".
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

func TestDiscardInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			p.signal(p.e, workflows.SignalDiscard, workflows.Discard{Reason: "a test order", Actor: "ops"})
			if phase == "applying" || phase == "releasing" {
				p.settled(p.e)
				p.restore()
			}
			if phase == "releasing" {
				p.ends(inorder.Applied)
				return
			}
			p.ends(inorder.Discarded)
			require.Equal(t, "a test order (by ops)", p.text(`SELECT detail FROM webhook_events`))
		})
	}
}

func TestRetryInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			switch phase {
			case "waiting", "stuck":
				seen := p.text(`SELECT seen_at FROM pending_events`)
				p.signal(p.e, workflows.SignalRetry, nil)
				p.eventually("it looks again", func() bool { return p.text(`SELECT seen_at FROM pending_events`) != seen })
				p.again(phase)
			case "attention":
				p.eventually("its date is allowed by now", func() bool { return time.Until(p.e.OccurredAt) < time.Hour })
				p.signal(p.e, workflows.SignalRetry, nil)
				p.ends(inorder.Applied)
			default:
				var next time.Time // of an attempt that would come by itself
				p.eventually("it is a while until the next attempt", func() bool { next = p.nextAttempt(); return time.Until(next) > 7*time.Second })
				p.restore()
				p.signal(p.e, workflows.SignalRetry, nil)
				p.ends(inorder.Applied)
				d, err := p.client.DescribeWorkflow(t.Context(), p.e.ID, "")
				require.NoError(t, err)
				require.True(t, d.WorkflowCloseTime.Before(next), "it did not wait for the next attempt")
			}
		})
	}
}

// nextAttempt is when the event's pending activity is tried again; zero if none is.
func (p *phased) nextAttempt() time.Time {
	p.Helper()
	d, err := describe(p.Context(), p.client, p.e.ID)
	require.NoError(p, err)
	if len(d.GetPendingActivities()) == 0 {
		return time.Time{}
	}
	return d.GetPendingActivities()[0].GetScheduledTime().AsTime()
}

func (s *system) pendingActivities(e inorder.Event) int {
	s.Helper()
	d, err := describe(s.Context(), s.client, e.ID)
	require.NoError(s, err)
	return len(d.GetPendingActivities())
}

// settled returns when the workflow has seen every signal that it was sent.
func (s *system) settled(e inorder.Event) {
	s.Helper()
	s.eventually("its workflow has seen the signal", func() bool {
		d, err := describe(s.Context(), s.client, e.ID)
		require.NoError(s, err)
		return d.GetPendingWorkflowTask() == nil
	})
}

func TestRecoverFillsAnEmptyTemporal(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work(shortWait)
	stuck, parked := s.event("order.paid", ""), s.event("order.updated", `,"status":7`)
	s.begin(stuck)
	s.begin(parked)
	s.awaitPhase(stuck, workflows.PhaseStuck)
	s.awaitPhase(parked, workflows.PhaseAttention)
	s.rest()

	other := &phased{system: &system{T: t, client: s.client, pool: s.pool, queue: s.queue + "-new", order: s.order}, e: stuck}
	for _, e := range []inorder.Event{stuck, parked} { // all that an emptied storage leaves
		_, err := s.client.WorkflowService().DeleteWorkflowExecution(t.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: client.DefaultNamespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: e.ID}})
		require.NoError(t, err)
		s.eventually("it is gone", func() bool {
			_, err := describe(t.Context(), s.client, e.ID)
			return err != nil
		})
	}
	other.work(shortWait)
	other.sweep(true, func(r sweeping.Report) bool { return r.Started == 2 })
	other.awaitPhase(stuck, workflows.PhaseStuck)
	other.awaitPhase(parked, workflows.PhaseAttention)
	other.sweep(true, func(r sweeping.Report) bool { return r.Started == 0 && r.Woken == 0 })
	other.signal(parked, workflows.SignalDiscard, workflows.Discard{})
	other.result(other.begin(other.event("order.created", confirmed)))
	other.ends(inorder.Applied)
}
