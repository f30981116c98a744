package workflows_test

import (
	"os"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/dev/stack"
	"inorder/dev/testenv"
	"inorder/internal/api"
	"inorder/workflows"
)

// actFixtures are histories of actions through the API: bulk actions, replays, and an amendment.
var actFixtures = map[string]func(*system) client.WorkflowRun{
	"bulk_done": func(s *system) client.WorkflowRun {
		s.lose(5)
		s.work()
		return s.bulkRun(s.retryAll(50), "done")
	},
	"bulk_done_with_failures": func(s *system) client.WorkflowRun {
		events := s.lose(3)
		started := s.retryAll(50)
		s.exec(`DELETE FROM pending_events WHERE event_id = $1`, events[1].ID)
		s.work()
		run := s.bulkRun(started, "done")
		require.Equal(s, 1, s.bulk(started.ID).Failed)
		return run
	},
	"bulk_stopped_through_the_api": func(s *system) client.WorkflowRun {
		return s.stopped(func(id string) error { _, err := s.bulks().Stop(s.Context(), id, "ops", "enough"); return err })
	},
	"bulk_stopped_by_its_signal": func(s *system) client.WorkflowRun {
		return s.stopped(func(id string) error {
			return s.client.SignalWorkflow(s.Context(), id, "", workflows.SignalStop, workflows.Discard{Actor: "ops", Reason: "enough"})
		})
	},
	"bulk_canceled": func(s *system) client.WorkflowRun {
		return s.stopped(func(id string) error { return s.client.CancelWorkflow(s.Context(), id, "") })
	},
	"bulk_goes_on_after_a_crash": func(s *system) client.WorkflowRun {
		s.lose(12)
		s.work()
		started := s.retryAll(1)
		s.eventually("it has begun", func() bool { return s.bulk(started.ID).Done > 0 })
		back := s.stopDatabase() // its step has acted, but can't report it
		s.eventually("its step has failed", func() bool { return s.attempts(inorder.Event{ID: started.ID}) > 1 })
		s.rest()
		back()
		s.work()
		return s.bulkRun(started, "done")
	},
	"bulk_continued":    func(s *system) client.WorkflowRun { first, _ := s.continued(); return first },
	"bulk_continuation": func(s *system) client.WorkflowRun { _, last := s.continued(); return last },
	"replay_applied": func(s *system) client.WorkflowRun {
		s.work()
		e := s.discardedEvent()
		s.result(s.begin(s.event("order.created", confirmed)))
		return s.ends(s.replay(e), inorder.Applied)
	},
	"replay_waits_and_is_released": func(s *system) client.WorkflowRun {
		s.work()
		d := s.waitingReplay()
		s.result(s.begin(s.event("order.created", confirmed)))
		return s.ends(d, inorder.Applied)
	},
	"replay_given_up": func(s *system) client.WorkflowRun {
		s.work()
		d := s.waitingReplay()
		_, err := s.operator().Discard(s.Context(), s.text(`SELECT event_id FROM pending_events`), byAda)
		require.NoError(s, err)
		return s.ends(d, inorder.Discarded)
	},
	"amended_and_applied": func(s *system) client.WorkflowRun {
		s.work()
		e := s.parkedEvent()
		_, err := s.operator().Amend(s.Context(), e.ID, s.amended(e, "order.created", confirmed), byAda)
		require.NoError(s, err)
		return s.ends(api.Done{WorkflowID: e.ID}, inorder.Applied)
	},
}

// retryAll begins a bulk action that retries all waiting events.
func (s *system) retryAll(rate int) api.Started {
	s.Helper()
	return s.startBulk(api.BulkRequest{Action: api.Retry, Filter: thatWait, Rate: rate, Reason: "a test"})
}

// bulkRun returns the workflow of a bulk action once it has completed, and requires how the bulk action ended.
func (s *system) bulkRun(started api.Started, end string) client.WorkflowRun {
	s.Helper()
	s.awaitBulk(started.ID, end)
	run := s.client.GetWorkflow(s.Context(), started.ID, "")
	require.NoError(s, run.Get(s.Context(), nil))
	return run
}

func (s *system) stopped(stop func(id string) error) client.WorkflowRun {
	s.Helper()
	s.work()
	started := s.slowBulk()
	require.NoError(s, stop(started.ID))
	return s.bulkRun(started, "stopped")
}

// continued returns the first and the last run of a bulk action whose history grew too long for a server with a low limit.
func (s *system) continued() (first, last client.WorkflowRun) {
	s.Helper()
	impatient, err := stack.Start(s.Context(), stack.Options{DatabaseURL: os.Getenv(testenv.DatabaseVariable),
		TemporalArgs: []string{"--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=8"}})
	require.NoError(s, err)
	s.Cleanup(func() { require.NoError(s, impatient.Stop()) })
	s.client, err = client.Dial(client.Options{HostPort: impatient.TemporalAddress})
	require.NoError(s, err)
	s.lose(20)
	s.work()
	started := s.retryAll(1)
	begun, err := s.client.DescribeWorkflow(s.Context(), started.ID, "")
	require.NoError(s, err)
	first = s.client.GetWorkflow(s.Context(), started.ID, begun.WorkflowExecution.RunID)
	last = s.bulkRun(started, "done")
	require.NotEqual(s, first.GetRunID(), last.GetRunID())
	return first, last
}

func (s *system) waitingReplay() (d api.Done) {
	s.Helper()
	d = s.replay(s.discardedEvent())
	s.eventually("it waits", func() bool {
		return s.text(`SELECT workflow_id FROM pending_events WHERE phase = 'waiting'`) == d.WorkflowID
	})
	return d
}

// ends returns an event's workflow once it has ended with that outcome.
func (s *system) ends(d api.Done, how inorder.Outcome) client.WorkflowRun {
	s.Helper()
	run := s.client.GetWorkflow(s.Context(), d.WorkflowID, "")
	require.Equal(s, how, s.result(run).Outcome)
	return run
}
