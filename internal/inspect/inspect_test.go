package inspect_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/dev/testenv"
	"inorder/internal/api"
	"inorder/internal/inspect"
	"inorder/internal/operate"
	"inorder/internal/ready"
	"inorder/internal/store/view"
	"inorder/internal/sweep"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// engine answers for Temporal. Every method returns err; with hangs, none returns before the caller gives up.
type engine struct {
	runs     map[string]operate.Run
	running  []api.Event
	applying int
	oldest   time.Time
	failing  []api.FailingTask
	err      error
	hangs    bool
}

func (e *engine) answer(ctx context.Context) error {
	if e.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return e.err
}

func (e *engine) Describe(ctx context.Context, id string) (operate.Run, bool, error) {
	r, found := e.runs[id]
	r.WorkflowID = id
	return r, found, e.answer(ctx)
}

func (e *engine) Input(ctx context.Context, r sweep.Run) (inorder.Event, bool, error) {
	return inorder.Event{}, false, e.answer(ctx)
}

func (e *engine) NextLook(ctx context.Context, _ string) (time.Time, error) {
	return time.Time{}, e.answer(ctx)
}

func (e *engine) ListRunning(ctx context.Context, _ api.Filter, _ []api.State, _ view.Position, _ int) (view.Found, error) {
	return view.Found{Events: slices.Clone(e.running)}, e.answer(ctx)
}

func (e *engine) CountApplying(ctx context.Context) (int, time.Time, error) {
	return e.applying, e.oldest, e.answer(ctx)
}

func (e *engine) Failing(ctx context.Context) ([]api.FailingTask, error) {
	return e.failing, e.answer(ctx)
}

func (e *engine) URL(string, string) string { return "" }

func TestStatusSaysWhatToDo(t *testing.T) {
	pool := testenv.Database(t)
	e := &engine{}
	fails := error(nil)
	i := &inspect.Inspector{View: view.New(pool), Engine: e, Patience: time.Minute, Keep: time.Nanosecond, Checks: []ready.Check{{Name: "postgres", Server: "PostgreSQL at here", Run: func(context.Context) error { return fails }}}}
	status := func() api.Status {
		t.Helper()
		s, err := i.Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, len(s.Problems) == 0, s.OK)
		return s
	}
	exec := func(sql string) {
		t.Helper()
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	require.True(t, status().OK)
	require.Equal(t, map[string]api.Dependency{"postgres": {State: "ok"}}, status().Dependencies)

	// Young events are on their way: no problem.
	exec(`INSERT INTO event_inbox (event_id, body, received_at, not_before) VALUES ('evt_1', '{}', now(), now())`)
	e.applying, e.oldest = 3, time.Now()
	require.True(t, status().OK)
	require.Equal(t, 3, status().States[api.StateApplying].Count)

	exec(`UPDATE event_inbox SET received_at = now() - interval '1 hour'`)
	exec(`INSERT INTO pending_events (event_id, type, phase, received_at) SELECT 'evt_a_' || i, 'x', 'attention', now() FROM generate_series(1, 2) i`)
	exec(`INSERT INTO pending_events (event_id, type, order_id, payload, occurred_at, phase, received_at, seen_at) VALUES ('evt_s', 'x', 'o', '{}', now(), 'stuck', now(), now() - interval '3 hours')`)
	e.oldest = time.Now().Add(-time.Hour)
	e.failing = []api.FailingTask{{WorkflowID: "evt_1"}}
	fails = errors.New("no way")
	problems := strings.Join(status().Problems, "\n")
	for _, says := range []string{"postgres is failing: PostgreSQL at here failed: no way.", "1 workflow can't continue", "3 events are being applied", "1 event is in the inbox, the oldest for 1h0m", "2 events need attention",
		"1 event is stuck", "1 event is waiting, apparently without a workflow"} {
		require.Contains(t, problems, says)
	}
	require.Len(t, strings.Split(problems, "\n"), 7)
	require.NotContains(t, problems, "doctor", "there is no such command")
}

func TestAServerThatHangsIsNotWaitedFor(t *testing.T) {
	pool := testenv.Database(t)
	_, err := pool.Exec(t.Context(), `INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ('evt_1', 'x', 'applied', '{}')`)
	require.NoError(t, err)
	hung := func(ctx context.Context) error { <-t.Context().Done(); return nil } // ignores its ctx
	i := &inspect.Inspector{View: view.New(pool), Engine: &engine{hangs: true}, Checks: []ready.Check{{Name: "temporal", Run: hung}}}
	began := time.Now()
	s, err := i.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, "failing", s.Dependencies["temporal"].State)
	require.Equal(t, "temporal", s.Missing[0].Source)
	v, err := i.Event(t.Context(), "evt_1")
	require.NoError(t, err)
	require.Equal(t, "applied", v.Outcome)
	require.Len(t, v.Missing, 1)
	page, err := i.Events(t.Context(), api.Filter{}, "", 5)
	require.NoError(t, err)
	require.Len(t, page.Data, 1)
	require.Less(t, time.Since(began), 20*time.Second, "2 s each, and what the machine adds")
}

func TestErrorsHaveTheirTypes(t *testing.T) {
	i := &inspect.Inspector{View: view.New(testenv.Database(t)), Engine: &engine{}, Patience: time.Minute}
	invalid, unknown, unknownOrder := (*operate.InvalidError)(nil), (*operate.UnknownError)(nil), (*inspect.UnknownOrderError)(nil)
	_, err := i.Events(t.Context(), api.Filter{}, "x", 5)
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "query.cursor", invalid.Location)
	_, err = i.Orders(t.Context(), api.OrdersQuery{ListQuery: api.ListQuery{Cursor: "x", Limit: 5}})
	require.ErrorAs(t, err, &invalid)
	_, err = i.Timeline(t.Context(), "order_1", "x", 5)
	require.ErrorAs(t, err, &invalid)
	_, err = i.Audit(t.Context(), api.AuditQuery{ListQuery: api.ListQuery{Cursor: "x", Limit: 5}})
	require.ErrorAs(t, err, &invalid)
	_, err = i.Event(t.Context(), "evt_1")
	require.ErrorAs(t, err, &unknown)
	_, err = i.Order(t.Context(), "order_1")
	require.ErrorAs(t, err, &unknownOrder)
}

func TestAnOrderThatNobodyKnowsHasAnEmptyTimeline(t *testing.T) {
	page, err := (&inspect.Inspector{View: view.New(testenv.Database(t)), Engine: &engine{}, Patience: time.Minute}).Timeline(t.Context(), "order_9", "", 5)
	require.NoError(t, err)
	require.NotNil(t, page.Data, "in JSON it is [], and not null")
	require.Empty(t, page.Data)
}

func TestAnAttemptWhoseTimeIsNotKnownIsNotInTheTimeline(t *testing.T) {
	e := &engine{runs: map[string]operate.Run{"evt_1": {Running: true, StartedAt: time.Now(), Attempt: 3, LastFailure: "locked", Activity: "ApplyEvent"}}}
	i := &inspect.Inspector{View: view.New(testenv.Database(t)), Engine: e, Patience: time.Minute}
	v, err := i.Event(t.Context(), "evt_1")
	require.NoError(t, err)
	require.Equal(t, "locked", v.LastFailure)
	require.Len(t, v.Timeline, 1, "received")
	e.runs["evt_1"] = operate.Run{Running: true, StartedAt: time.Now(), Attempt: 3, LastFailure: "locked", FailedAt: time.Now(), Activity: "ApplyEvent"}
	v, err = i.Event(t.Context(), "evt_1")
	require.NoError(t, err)
	require.Len(t, v.Timeline, 2)
}

func TestWhatTheWorkflowOfAnEndedEventStillDoes(t *testing.T) {
	pool := testenv.Database(t)
	_, err := pool.Exec(t.Context(), `INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ('evt_1', 'x', 'discarded', '{}')`)
	require.NoError(t, err)
	for activity, does := range map[string]string{"ApplyEvent": "its workflow ends at its next attempt", "ReleaseWaiting": "its workflow is still waking the events that wait for the order"} {
		e := &engine{runs: map[string]operate.Run{"evt_1": {Running: true, Attempt: 1, Activity: activity}}}
		v, err := (&inspect.Inspector{View: view.New(pool), Engine: e, Patience: time.Minute}).Event(t.Context(), "evt_1")
		require.NoError(t, err)
		require.Equal(t, "it was given up by a person; "+does, v.Reason)
	}
}

func TestWhatCantBeShownSaysWhatToDo(t *testing.T) {
	pool := testenv.Database(t)
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	_, err = tx.Exec(t.Context(), `LOCK TABLE orders`)
	require.NoError(t, err)
	unavailable := (*operate.UnavailableError)(nil)
	_, err = (&inspect.Inspector{View: view.New(pool), Engine: &engine{}, Patience: time.Minute}).Order(t.Context(), "order_1")
	require.ErrorAs(t, err, &unavailable)
	require.EqualError(t, unavailable, "postgres does not answer: another session has locked a table; this can't be shown without it: try again in a moment")
	_, err = (&inspect.Inspector{Engine: &engine{}}).Order(t.Context(), "order_1")
	require.ErrorAs(t, err, &unavailable)
	require.EqualError(t, unavailable, "postgres does not answer: this process has no DATABASE_URL: ask another one, such as a worker")
}

func TestAnEventIsShownOnceThoughBothServersHaveIt(t *testing.T) {
	pool := testenv.Database(t)
	_, err := pool.Exec(t.Context(), `INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ('evt_1', 'x', 'applied', '{}')`)
	require.NoError(t, err)
	e := &engine{running: []api.Event{{EventID: "evt_2", State: api.StateApplying, ReceivedAt: time.Now()}, {EventID: "evt_1", State: api.StateApplying, ReceivedAt: time.Now()}}}
	i := &inspect.Inspector{View: view.New(pool), Engine: e, Patience: time.Minute}
	page, err := i.Events(t.Context(), api.Filter{}, "", 5)
	require.NoError(t, err)
	require.Len(t, page.Data, 2)
	require.Equal(t, api.StateEnded, page.Data[1].State)
}

func TestAReplayThatIsUnderWayIsTold(t *testing.T) {
	pool := testenv.Database(t)
	_, err := pool.Exec(t.Context(), `INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ('evt_1', 'x', 'discarded', '{}')`)
	require.NoError(t, err)
	e := &engine{runs: map[string]operate.Run{"inorder-replay-evt_1-1": {Running: true, RunID: "run", Attempt: 3, LastFailure: "locked", Activity: "ApplyEvent"}}}
	v, err := (&inspect.Inspector{View: view.New(pool), Engine: e, Patience: time.Minute}).Event(t.Context(), "evt_1")
	require.NoError(t, err)
	require.Equal(t, "it was given up by a person; it is being applied again", v.Reason)
	require.Equal(t, "inorder-replay-evt_1-1 run locked", v.WorkflowID+" "+v.RunID+" "+v.LastFailure)
}
