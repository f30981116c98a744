package workflows_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/internal/platform"
	"inorder/internal/standin"
	"inorder/worker"
	"inorder/workflows"
)

// interrupted are fixtures of events that a person interfered with, as of the code before a cancellation was recorded as
// discarded and before signals reached an event that is being applied. Code since then would play them differently, so
// they cannot be recorded anew.
var interrupted = map[string]func(*system) inorder.Event{
	"canceled_before_its_first_task": func(s *system) inorder.Event {
		e := s.event("order.paid", "")
		run := s.begin(e)
		s.cancel(e)
		s.work()
		s.canceled(run)
		return e
	},
	"canceled_while_waiting": func(s *system) inorder.Event {
		s.work()
		e := s.event("order.paid", "")
		run := s.begin(e)
		s.awaitPhase(e, workflows.PhaseWaiting)
		s.cancel(e)
		s.canceled(run)
		return e
	},
	"canceled_while_asking": func(s *system) inorder.Event {
		s.work(hangingPlatform(s))
		e := s.event("order.paid", "")
		run := s.begin(e)
		s.awaitPhase(e, workflows.PhaseWaiting)
		s.eventually("the platform is being asked", func() bool { return s.pendingActivities(e) == 1 })
		s.cancel(e)
		s.canceled(run)
		return e
	},
	"canceled_in_attention": func(s *system) inorder.Event {
		s.work()
		e := s.eventAt("order.created", time.Now().Add(2*time.Hour), confirmed)
		run := s.begin(e)
		s.awaitPhase(e, workflows.PhaseAttention)
		s.cancel(e)
		s.canceled(run)
		return e
	},
	"canceled_while_applying": func(s *system) inorder.Event {
		e, run, _ := failing(s, "order.created", confirmed)
		s.cancel(e)
		s.canceled(run)
		return e
	},
	"canceled_while_discarding": func(s *system) inorder.Event {
		e, run, _ := failingDiscard(s)
		s.cancel(e)
		s.canceled(run)
		return e
	},
	"canceled_while_releasing": func(s *system) inorder.Event {
		s.work()
		waits, creates := s.event("order.paid", ""), s.event("order.created", confirmed)
		s.begin(waits)
		s.awaitPhase(waits, workflows.PhaseWaiting)
		_, err := s.pool.Exec(s.Context(), `ALTER TABLE pending_events RENAME COLUMN received_at TO received_at_away`)
		require.NoError(s, err)
		run := s.begin(creates)
		s.eventually("the release fails", func() bool { return s.pendingActivities(creates) == 1 })
		s.cancel(creates)
		s.canceled(run)
		return creates
	},
	"discarded_while_applying": func(s *system) inorder.Event {
		e, run, back := failing(s, "order.created", confirmed)
		s.signal(e, workflows.SignalDiscard, workflows.Discard{Reason: "a test order", Actor: "ops"})
		s.settled(e)
		back()
		require.Equal(s, inorder.Applied, s.result(run).Outcome)
		return e
	},
	"discarded_while_applying_then_waiting": func(s *system) inorder.Event {
		e, run, back := failing(s, "order.paid", "")
		s.signal(e, workflows.SignalDiscard, workflows.Discard{Reason: "a test order", Actor: "ops"})
		s.settled(e)
		back()
		require.Equal(s, inorder.Discarded, s.result(run).Outcome)
		return e
	},
	"retried_while_applying": func(s *system) inorder.Event {
		e, run, back := failing(s, "order.created", confirmed)
		s.signal(e, workflows.SignalRetry, nil)
		s.settled(e)
		back()
		require.Equal(s, inorder.Applied, s.result(run).Outcome)
		return e
	},
	"retried_while_applying_then_waiting": func(s *system) inorder.Event {
		e, run, back := failing(s, "order.paid", "")
		s.signal(e, workflows.SignalRetry, nil)
		s.settled(e)
		back()
		s.awaitPhase(e, workflows.PhaseWaiting)
		s.result(s.begin(s.event("order.created", confirmed)))
		require.Equal(s, inorder.Applied, s.result(run).Outcome)
		return e
	},
	"retried_while_discarding": func(s *system) inorder.Event {
		e, run, back := failingDiscard(s)
		s.signal(e, workflows.SignalRetry, nil)
		s.settled(e)
		back()
		require.Equal(s, inorder.Discarded, s.result(run).Outcome)
		return e
	},
	"discarded_unreadably": func(s *system) inorder.Event {
		s.work()
		e := s.event("order.paid", "")
		run := s.begin(e)
		s.awaitPhase(e, workflows.PhaseWaiting)
		s.signal(e, workflows.SignalDiscard, 17)
		s.settled(e)
		s.signal(e, workflows.SignalDiscard, workflows.Discard{Reason: "a test order", Actor: "ops"})
		require.Equal(s, inorder.Discarded, s.result(run).Outcome)
		return e
	},
}

func init() { maps.Copy(fixtures, interrupted) }

// failing plays an event that is being applied again and again, because PostgreSQL is away until back is called.
func failing(s *system, eventType, data string) (e inorder.Event, run client.WorkflowRun, back func()) {
	s.work()
	back = s.stopDatabase()
	e = s.event(eventType, data)
	run = s.begin(e)
	s.awaitPhase(e, workflows.PhaseApplying)
	s.eventually("its activity is in sight", func() bool { return s.pendingActivities(e) == 1 })
	return e, run, back
}

// failingDiscard plays a waiting event that is to be discarded while PostgreSQL is away.
func failingDiscard(s *system) (e inorder.Event, run client.WorkflowRun, back func()) {
	s.work()
	e = s.event("order.paid", "")
	run = s.begin(e)
	s.awaitPhase(e, workflows.PhaseWaiting)
	back = s.stopDatabase()
	s.signal(e, workflows.SignalDiscard, workflows.Discard{Reason: "a test order", Actor: "ops"})
	s.eventually("the discard is being tried", func() bool { return s.pendingActivities(e) == 1 })
	return e, run, back
}

// hangingPlatform is a platform that never answers.
func hangingPlatform(s *system) func(*worker.Options) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	s.Cleanup(server.Close)
	c, err := platform.New(platform.Options{APIKey: standin.DefaultKey, BaseURL: server.URL + "/v1"})
	require.NoError(s, err)
	return func(o *worker.Options) { o.Platform, o.Wait.AskAfter = c, time.Nanosecond }
}

func (s *system) cancel(e inorder.Event) {
	s.Helper()
	require.NoError(s, s.client.CancelWorkflow(s.Context(), e.ID, ""))
}

func (s *system) canceled(run client.WorkflowRun) {
	s.Helper()
	require.Error(s, run.Get(s.Context(), nil))
}

func (s *system) pendingActivities(e inorder.Event) int {
	s.Helper()
	d, err := s.client.DescribeWorkflowExecution(s.Context(), e.ID, "")
	require.NoError(s, err)
	return len(d.GetPendingActivities())
}

// settled returns when the workflow has seen every signal that it was sent.
func (s *system) settled(e inorder.Event) {
	s.Helper()
	s.eventually("its workflow has seen the signal", func() bool {
		d, err := s.client.DescribeWorkflowExecution(s.Context(), e.ID, "")
		require.NoError(s, err)
		return d.GetPendingWorkflowTask() == nil
	})
}
