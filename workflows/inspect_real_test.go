package workflows_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/dev/testenv"
	"inorder/internal/api"
	"inorder/internal/inspect"
	"inorder/internal/operate"
	"inorder/internal/store/view"
	"inorder/workflows"
)

func (s *system) inspector() *inspect.Inspector {
	events := s.events()
	events.UI = "http://ui.test/"
	return &inspect.Inspector{View: view.New(s.pool), Engine: events, Patience: time.Minute}
}

// pages returns the IDs of all events that the filter selects, read page by page.
func (s *system) pages(i *inspect.Inspector, f api.Filter, size int) (ids []string) {
	s.Helper()
	for cursor, n := "", 0; n == 0 || cursor != ""; n++ {
		page, err := i.Events(s.Context(), f, cursor, size)
		require.NoError(s, err)
		require.LessOrEqual(s, len(page.Data), size)
		require.Empty(s, page.Missing)
		for _, e := range page.Data {
			ids = append(ids, e.EventID)
		}
		cursor = page.NextCursor
	}
	return ids
}

func TestAnEventWhoseApplyingFailsIsSeen(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	i := s.inspector()
	s.exec(`ALTER TABLE orders RENAME TO orders_away`)
	e := s.event("order.created", confirmed)
	run := s.begin(e)
	s.eventually("it is listed", func() bool {
		return slices.Contains(s.pages(i, api.Filter{State: api.StateApplying, OrderID: s.order}, 50), e.ID)
	})
	var v api.EventView
	s.eventually("its failure is shown", func() bool {
		var err error
		v, err = i.Event(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, api.StateApplying, v.State)
		return v.LastFailure != ""
	})
	require.JSONEq(t, string(e.Body), string(v.Payload))
	require.Contains(t, v.Reason, "applying it fails")
	require.Equal(t, []api.Action{api.Retry, api.Discard}, v.Actions)
	require.Equal(t, "http://ui.test/namespaces/default/workflows/"+e.ID+"/"+run.GetRunID()+"/history", v.TemporalURL)
	require.Equal(t, []string{"received", "attempt"}, []string{v.Timeline[0].What, v.Timeline[1].What})
	require.Contains(t, v.Timeline[1].Text, fmt.Sprintf("attempt %d: ", v.Attempts-1), "the one that failed, not the one that is next")
	page, err := i.Timeline(t.Context(), s.order, "", 50)
	require.NoError(t, err)
	require.Equal(t, e.ID, page.Data[0].EventID)
	n, oldest, err := s.events().CountApplying(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.WithinDuration(t, v.ReceivedAt, oldest, time.Minute)
	(&phased{system: s, e: e}).betweenAttempts()
	blocked, err := i.Blocked(t.Context(), s.order) // the table is away
	require.Error(t, err)
	require.Empty(t, blocked.Events.Data)
	s.exec(`ALTER TABLE orders_away RENAME TO orders`)
	blocked, err = i.Blocked(t.Context(), s.order)
	require.NoError(t, err)
	require.Equal(t, "the order does not exist yet; events: 1 being applied", blocked.Summary)
	require.NotEmpty(t, blocked.Events.Data[0].LastFailure)

	_, err = s.events().RetryBy(t.Context(), e.ID, operate.Act{})
	require.NoError(t, err)
	s.result(run)
	require.Equal(t, []string{e.ID}, s.pages(i, api.Filter{OrderID: s.order}, 50), "once, wherever it is")
	v, err = i.Event(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, "ended applied [replay]", string(v.State)+" "+v.Outcome+" ["+string(v.Actions[0])+"]")
}

func TestAWaitingEventIsSeen(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	i := s.inspector()
	e := s.event("order.paid", "")
	s.begin(e)
	s.awaitPhase(e, workflows.PhaseWaiting)
	v, err := i.Event(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, api.StateWaiting, v.State)
	require.WithinDuration(t, time.Now().Add(time.Minute), *v.NextAttempt, time.Minute)
	require.Equal(t, []string{e.ID}, s.pages(i, api.Filter{OrderID: s.order}, 50))

	require.NoError(t, s.client.TerminateWorkflow(t.Context(), e.ID, "", "by mistake"))
	v, err = i.Event(t.Context(), e.ID)
	require.NoError(t, err)
	require.Contains(t, v.Reason, "its workflow is terminated: a retry starts it again")

	_, err = i.Event(t.Context(), "evt_unknown")
	unknown := (*operate.UnknownError)(nil)
	require.ErrorAs(t, err, &unknown)
}

func TestATerminatedEventThatPostgreSQLNeverTookIsSeen(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	e := s.event("order.paid", "")
	s.begin(e) // there is no worker
	require.NoError(t, s.client.TerminateWorkflow(t.Context(), e.ID, "", "by mistake"))
	v, err := s.inspector().Event(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, api.StateApplying, v.State)
	require.Equal(t, "its workflow is terminated, and PostgreSQL does not have the event: a retry starts it again, and so does the sweep", v.Reason)
	require.Equal(t, "order.paid", v.Type)
}

func TestWhatIsPurgedSaysSo(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.event("order.created", confirmed)
	s.result(s.begin(e))
	s.exec(`DELETE FROM webhook_events`)
	v, err := s.inspector().Event(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, api.StateEnded, v.State)
	require.Empty(t, v.Actions)
	require.Contains(t, v.Reason, "no longer kept")
}

func TestManyApplyingEventsArePaged(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	i := s.inspector()
	const n = 130
	var want []string
	var events []inorder.Event
	for range n { // there is no worker
		e := s.event("order.paid", "")
		s.begin(e)
		events, want = append(events, e), append(want, e.ID)
	}
	s.exec(`INSERT INTO webhook_events (event_id, type, order_id, outcome, received_at, payload) SELECT 'evt_ended_' || i, 'order.paid', $1, 'applied', now(), '{}' FROM generate_series(1, 20) i`, s.order)
	s.eventually("all are visible", func() bool {
		n2, _, err := s.events().CountApplying(t.Context())
		require.NoError(t, err)
		return n2 == n
	})
	sorted := func(ids []string) []string { slices.Sort(ids); return ids }
	slices.Sort(want)
	require.Equal(t, want, sorted(s.pages(i, api.Filter{State: api.StateApplying}, 7)))
	require.Equal(t, want, sorted(s.pages(i, api.Filter{State: api.StateApplying, StoreID: "store_1", Type: "order.paid", OrderID: s.order}, 200)))
	require.Len(t, s.pages(i, api.Filter{}, 33), n+20)
	for _, nobody := range []string{`'`, `\`, `' OR OrderId != '`, `"`, "%", "ü"} {
		require.Empty(t, s.pages(i, api.Filter{OrderID: nobody}, 50), nobody)
		require.Empty(t, s.pages(i, api.Filter{Type: nobody, State: api.StateApplying}, 50), nobody)
	}
	count, oldest, err := s.events().CountApplying(t.Context())
	require.NoError(t, err)
	require.Equal(t, n, count)
	require.WithinDuration(t, events[0].ReceivedAt, oldest, 30*time.Minute)

	s.exec(`INSERT INTO event_inbox (event_id, order_id, body, received_at, not_before) VALUES ($1, $2, '{"type":"order.paid"}', now(), now())`, want[0], s.order)
	require.Len(t, s.pages(i, api.Filter{State: api.StateApplying}, 50), n-1, "one is in the inbox, too")
	require.Len(t, s.pages(i, api.Filter{}, 50), n+20)
}

func TestWorkflowsWhoseTasksFailAreSeen(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	_, err := s.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: s.order, TaskQueue: s.queue}, "NobodyKnowsIt")
	require.NoError(t, err)
	s.begin(s.event("order.paid", ""))
	var failing []api.FailingTask
	s.eventually("it is found", func() bool {
		failing, err = s.events().Failing(t.Context())
		require.NoError(t, err)
		return len(failing) > 0
	})
	require.Len(t, failing, 1)
	require.Equal(t, s.order, failing[0].WorkflowID)
	require.Contains(t, failing[0].Problem, "workflow worker unhandled failure")
	require.WithinDuration(t, time.Now(), failing[0].Since, testenv.Patience)
	require.NoError(t, s.client.TerminateWorkflow(t.Context(), s.order, "", ""))
}
