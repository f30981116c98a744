package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	sdkpb "go.temporal.io/api/sdk/v1"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/bulk"
	"inorder/internal/store"
	"inorder/worker"
	"inorder/workflows"
)

func (s *system) bulks() *bulk.Bulks {
	return &bulk.Bulks{Store: store.New(s.pool), Engine: workflows.Bulks{Events: s.events()}}
}

// createOrder creates the system's order without waking the events that wait for it.
func (s *system) createOrder(id string) {
	s.exec(`INSERT INTO orders (id, status, status_at, data, data_at, data_rank, data_event_id, last_webhook_at)
		VALUES ($1, 'pending', '2020-01-01', '{}', '2020-01-01', 0, 'evt', '2020-01-01')`, id)
}

// noLook keeps waiting events from ending by themselves, with a look of their own, once their order is there.
func noLook(o *worker.Options) { o.Wait.Recheck = time.Hour }

// waitFor starts n events, which wait for the system's order.
func (s *system) waitFor(n int) (events []inorder.Event) {
	for range n {
		events = append(events, s.event("order.paid", ""))
		s.begin(events[len(events)-1])
	}
	for _, e := range events {
		s.awaitPhase(e, workflows.PhaseWaiting)
	}
	return events
}

func (s *system) startBulk(request api.BulkRequest) api.Started {
	s.Helper()
	started, err := s.bulks().Start(s.Context(), request, "ops", "")
	require.NoError(s, err)
	return started
}

func (s *system) bulk(id string) api.Bulk {
	s.Helper()
	b, err := s.bulks().Get(s.Context(), id)
	require.NoError(s, err)
	return b
}

// awaitBulk returns the bulk action once it has ended that way. PostgreSQL may be away meanwhile.
func (s *system) awaitBulk(id, end string) (b api.Bulk) {
	s.Helper()
	s.eventually("the bulk is "+end, func() bool {
		var err error
		b, err = s.bulks().Get(s.Context(), id)
		return err == nil && b.End == end
	})
	return b
}

// lose creates n waiting events that have lost their workflow.
func (s *system) lose(n int) (events []inorder.Event) {
	s.Helper()
	for range n {
		e := s.event("order.paid", "")
		s.exec(`INSERT INTO pending_events (event_id, order_id, type, payload, body, occurred_at, received_at, phase)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting')`, e.ID, s.order, e.Type, e.Body, []byte(e.Body), e.OccurredAt, e.ReceivedAt)
		events = append(events, e)
	}
	return events
}

// slowBulk begins a bulk action that takes a minute, and returns once it has acted on an event. The events wait, and have lost their workflow.
func (s *system) slowBulk() api.Started {
	s.Helper()
	s.lose(60)
	started := s.startBulk(api.BulkRequest{Action: api.Retry, Filter: thatWait, Rate: 1})
	s.eventually("it has begun", func() bool { return s.bulk(started.ID).Done > 0 })
	return started
}

// details returns a workflow's current details, as the Temporal UI shows them.
func (s *system) details(id string) string {
	s.Helper()
	answer, err := s.client.QueryWorkflow(s.Context(), id, "", "__temporal_workflow_metadata")
	require.NoError(s, err)
	var m sdkpb.WorkflowMetadata
	require.NoError(s, answer.Get(&m))
	return m.GetCurrentDetails()
}

var thatWait = api.Filter{State: api.StateWaiting}

func TestABulkRetriesDiscardsAndReplays(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	events := s.waitFor(12)
	discards := s.startBulk(api.BulkRequest{Action: api.Discard, Filter: thatWait, Reason: "a test", Name: "Give up!"})
	require.True(t, strings.HasPrefix(discards.ID, "inorder-bulk-give-up-"), discards.ID)
	require.Equal(t, 12, s.awaitBulk(discards.ID, "done").Done)
	require.Equal(t, "12", s.text(`SELECT count(*) FROM webhook_events WHERE outcome = 'discarded' AND detail = 'a test (by ops)'`))

	s.createOrder(s.order)
	replays := s.startBulk(api.BulkRequest{Action: api.Replay, Filter: api.Filter{Outcome: "discarded"}, Reason: "a mistake"})
	require.Zero(t, s.awaitBulk(replays.ID, "done").Failed)
	s.eventually("all are applied", func() bool {
		return s.text(`SELECT count(*) FROM webhook_events WHERE outcome IN ('applied', 'stale')`) == "12"
	})
	require.Equal(t, "paid", s.text(`SELECT payment_status FROM orders`))
	for _, action := range []string{"discard", "replay"} {
		require.Equal(t, "12", s.text(`SELECT count(DISTINCT event_id) FROM audit_log WHERE action = $1 AND actor = 'ops' AND bulk_id LIKE 'inorder-bulk-%'`, action))
	}
	again := s.startBulk(api.BulkRequest{Action: api.Retry, Filter: api.Filter{OrderID: s.order}})
	require.Empty(t, again.ID)
	for _, e := range events {
		s.requireNoTaskFailed(e.ID)
	}
	s.requireNoTaskFailed(discards.ID)
}

func TestABulkRetriesWhatWaits(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work(noLook)
	s.waitFor(20)
	s.createOrder(s.order)
	started := s.startBulk(api.BulkRequest{Action: api.Retry, Filter: thatWait, Reason: "the order is there"})
	b := s.awaitBulk(started.ID, "done")
	require.Equal(t, []int{20, 20, 0}, []int{b.Total, b.Done, b.Failed})
	s.eventually("all end", func() bool { return s.text(`SELECT count(*) FROM webhook_events`) == "20" })

	var p bulk.Progress
	s.eventually("its workflow knows, too", func() bool { // its last step writes the end before it ends itself
		answer, err := s.client.QueryWorkflow(t.Context(), started.ID, "", workflows.QueryProgress)
		require.NoError(t, err)
		require.NoError(t, answer.Get(&p))
		return p.Ending != ""
	})
	require.Equal(t, bulk.Progress{Name: "retry", Action: "retry", Rate: 50, Total: 20, Done: 20, Ending: "done"}, p)
	details := s.details(started.ID)
	require.LessOrEqual(t, len(strings.Split(details, "\n")), 4, details)
	require.Contains(t, details, "20 of 20")
}

func TestABulkIsStopped(t *testing.T) {
	t.Parallel()
	for by, stop := range map[string]func(*system, string) error{
		"through the API": func(s *system, id string) error {
			_, err := s.bulks().Stop(s.Context(), id, "boss", "enough")
			return err
		},
		"by its signal": func(s *system, id string) error {
			return s.client.SignalWorkflow(s.Context(), id, "", workflows.SignalStop, workflows.Discard{Actor: "boss", Reason: "enough"})
		},
		"by a signal that says nothing": func(s *system, id string) error {
			return s.client.SignalWorkflow(s.Context(), id, "", workflows.SignalStop, nil)
		},
		"by a cancellation": func(s *system, id string) error { return s.client.CancelWorkflow(s.Context(), id, "") },
	} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t)
			s.work()
			started := s.slowBulk()
			require.NoError(t, stop(s, started.ID))
			b := s.awaitBulk(started.ID, "stopped")
			require.Less(t, b.Done, 60)
			s.eventually("its workflow completes", func() bool {
				d, err := s.client.DescribeWorkflow(t.Context(), started.ID, "")
				require.NoError(t, err)
				return d.Status == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
			})
			require.Equal(t, "1", s.text(`SELECT count(*) FROM audit_log WHERE action IN ('stop', 'cancel') AND actor <> '' AND result LIKE 'stopped after % of 60'`))
			require.Less(t, s.bulk(started.ID).Done, 60)
			s.requireNoTaskFailed(started.ID)
		})
	}
}

func TestABulkWaitsForPostgreSQL(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work(noLook)
	s.waitFor(20)
	s.createOrder(s.order)
	started := s.startBulk(api.BulkRequest{Action: api.Retry, Filter: thatWait, Rate: 1}) // it shows progress after 5 s, and takes 15 s more
	s.eventually("it has begun", func() bool { return s.bulk(started.ID).Done > 0 })
	back := s.stopDatabase()
	engine := workflows.Bulks{Events: s.events()}
	s.eventually("its workflow says why it does not go on", func() bool {
		run, found, err := engine.DescribeBulk(t.Context(), started.ID)
		require.NoError(t, err)
		return found && run.Running && run.Problem != ""
	})
	back()
	b := s.awaitBulk(started.ID, "done")
	require.Equal(t, []int{20, 0}, []int{b.Done, b.Failed})
}

func TestABulkThatSomebodyTerminatedSaysSo(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	started := s.slowBulk()
	require.NoError(t, s.client.TerminateWorkflow(t.Context(), started.ID, "", "a test"))
	b := s.awaitBulk(started.ID, "failing")
	require.Contains(t, b.Problem, "was ended in Temporal (terminated)")
	stopped, err := s.bulks().Stop(t.Context(), started.ID, "boss", "")
	require.NoError(t, err)
	require.Equal(t, "stopped", stopped.End)
	require.Less(t, time.Since(stopped.StartedAt), time.Hour)
}
