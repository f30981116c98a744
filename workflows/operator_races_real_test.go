package workflows_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/activities"
	"inorder/internal/api"
	"inorder/internal/operate"
	"inorder/internal/store"
	"inorder/worker"
	"inorder/workflows"
)

// operatorAct is one of the actions of people on an event.
type operatorAct struct {
	event func(*system) inorder.Event // returns an event that the action fits
	do    func(*system, inorder.Event) (api.Done, error)
	ends  []string // how the event may have ended when everything is at rest; "" while its order is missing
}

var operatorActs = map[string]operatorAct{
	"retry": {(*system).waitingEvent, func(s *system, e inorder.Event) (api.Done, error) {
		return s.operator().Retry(s.Context(), e.ID, byAda)
	}, []string{""}},
	"discard": {(*system).waitingEvent, func(s *system, e inorder.Event) (api.Done, error) {
		return s.operator().Discard(s.Context(), e.ID, byAda)
	}, []string{"discarded"}},
	"replay": {(*system).discardedEvent, func(s *system, e inorder.Event) (api.Done, error) {
		return s.operator().Replay(s.Context(), e.ID, byAda)
	}, []string{""}},
	"amend": {(*system).parkedEvent, func(s *system, e inorder.Event) (api.Done, error) {
		return s.operator().Amend(s.Context(), e.ID, s.amended(e, "order.created", confirmed), byAda)
	}, []string{"applied", "stale"}},
}

// insist does the action, and does it again if another session had the order's lock for so long that nothing was done.
func (act operatorAct) insist(s *system, e inorder.Event) (err error) {
	for range 10 {
		_, err = act.do(s, e)
		if busy := (*store.BusyError)(nil); !errors.As(err, &busy) {
			break
		}
	}
	return err
}

// waitingEvent returns a payment whose order is missing.
func (s *system) waitingEvent() inorder.Event {
	s.Helper()
	return s.waitFor(1)[0]
}

// forget deletes events' runs from Temporal, as its retention does. That takes Temporal half a minute, for one event or for many.
func (s *system) forget(events ...inorder.Event) {
	s.Helper()
	if testing.Short() {
		s.Skip("it waits for half a minute")
	}
	for _, e := range events {
		_, err := s.client.WorkflowService().DeleteWorkflowExecution(s.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: client.DefaultNamespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: e.ID}})
		require.NoError(s, err)
	}
	for _, e := range events {
		s.eventually("it is forgotten", func() bool {
			_, err := describe(s.Context(), s.client, e.ID)
			return err != nil
		})
	}
}

// The sweep brings back an event that lost its workflow at the very time when somebody acts on it.
func TestEachActBesideTheSweep(t *testing.T) {
	t.Parallel()
	for name, act := range operatorActs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t)
			s.work()
			var events []inorder.Event
			for range 6 {
				events = append(events, act.event(s))
			}
			s.forget(events...)
			acting, done := context.WithCancel(t.Context())
			var sweeps, all sync.WaitGroup
			for range 2 {
				sweeps.Go(func() {
					for acting.Err() == nil {
						s.sweepOnce()
					}
				})
			}
			for _, e := range events {
				all.Go(func() {
					require.NoError(t, act.insist(s, e))
				})
			}
			all.Wait()
			done()
			sweeps.Wait()
			for _, e := range events {
				s.rests(e, act.ends...)
			}
		})
	}
}

func (s *system) sweepOnce() {
	run, err := s.client.ExecuteWorkflow(s.Context(), client.StartWorkflowOptions{TaskQueue: s.queue}, workflows.SweepEventsType)
	require.NoError(s, err)
	var r activities.SweepEventsResult
	require.NoError(s, run.Get(s.Context(), &r))
	require.Zero(s, r.Failed, r.Notes)
}

// rests requires that the event ends in one of the given ways and has one row, and that its workflow completes or waits.
func (s *system) rests(e inorder.Event, ends ...string) {
	s.Helper()
	s.eventually("it ends or waits", func() bool {
		for _, end := range ends {
			if s.outcome(e.ID) == end && (end != "" || s.text(`SELECT phase FROM pending_events WHERE event_id = $1`, e.ID) == "waiting") {
				return true
			}
		}
		return false
	})
	s.oneRow(e.ID)
	workflowID := s.text(`SELECT workflow_id FROM pending_events WHERE event_id = $1`, e.ID)
	if workflowID == "" {
		workflowID = e.ID
	}
	s.eventually("its workflow rests, too", func() bool {
		d, err := s.client.DescribeWorkflow(s.Context(), workflowID, "")
		if s.outcome(e.ID) == "" {
			return err == nil && d.Status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
		}
		return err != nil || d.Status == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	})
	s.oneRow(e.ID)
}

// Somebody acts on an event while its run is in the middle of its transaction: one of them comes first, and the answer says which.
func TestEachActBesideARunInFlight(t *testing.T) {
	t.Parallel()
	for name, act := range operatorActs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t)
			s.work()
			e := act.event(s)
			release := s.hold(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, store.OrderLock(s.order))
			stuck := func() int {
				return s.number(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
			}
			if name == "replay" {
				s.replay(e)
			} else {
				s.signal(e, workflows.SignalRetry, nil)
			}
			s.eventually("its run is in flight", func() bool { return stuck() > 0 })
			acted := make(chan error, 1)
			go func() { acted <- act.insist(s, e) }()
			s.eventually("the act is done, or waits for the run", func() bool { return len(acted) > 0 || stuck() > 1 })
			release()
			err := <-acted
			if unfit := (*operate.UnfitError)(nil); !errors.As(err, &unfit) {
				require.NoError(t, err)
			}
			s.rests(e, act.ends...)
			require.Regexp(t, `ada `+name+` api `, s.audit(e.ID))
		})
	}
}

func (s *system) number(sql string) (n int) {
	s.Helper()
	require.NoError(s, s.pool.QueryRow(s.Context(), sql).Scan(&n))
	return n
}

// An event that Temporal has forgotten is replayed from PostgreSQL.
func TestAReplayOfAnEventThatTemporalHasForgotten(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e, created := s.discardedEvent(), s.event("order.created", confirmed)
	s.result(s.begin(created))
	s.forget(e, created)
	_, err := s.operator().Retry(t.Context(), e.ID, byAda)
	unfit(t, err, api.Replay)
	d := s.replay(e)
	require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), d.WorkflowID, "")).Outcome)
	require.Equal(t, "paid", s.text(`SELECT payment_status FROM orders`))
	again := s.replay(created)
	require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), again.WorkflowID, "")).Outcome)
	s.oneRow(e.ID)

	// The same holds if Temporal has forgotten the replay itself.
	s.forget(inorder.Event{ID: d.WorkflowID})
	require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), s.replay(e).WorkflowID, "")).Outcome)
	s.oneRow(e.ID)
}

// A replay applies an event that expired because its order came too late.
func TestAReplayOfAnExpiredEvent(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work(shortWait, func(o *worker.Options) { o.Wait.TTL = 300 * time.Millisecond })
	e := s.event("order.paid", "")
	require.Equal(t, inorder.Expired, s.result(s.begin(e)).Outcome)
	s.forget(e)
	s.result(s.begin(s.event("order.created", confirmed)))
	require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), s.replay(e).WorkflowID, "")).Outcome)
	require.Equal(t, "paid", s.text(`SELECT payment_status FROM orders`))
	require.Contains(t, s.audit(e.ID), "ada replay api now applied. Previously it had ended as ")
	require.Contains(t, s.audit(e.ID), "as expired")
	s.oneRow(e.ID)
}
