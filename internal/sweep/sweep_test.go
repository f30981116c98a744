package sweep_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/dev/testenv"
	"inorder/internal/store"
	"inorder/internal/sweep"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// engine is Temporal as a sweep sees it, on real tables.
type engine struct {
	pool *pgxpool.Pool

	mu                      sync.Mutex
	running                 map[string]bool
	parked                  []sweep.Run // running in attention
	lost                    []sweep.Run
	failing                 func(eventID string) error
	revived, woken, retried []string
	bodies                  []string
}

func (e *engine) fails(id string) error {
	if e.failing == nil {
		return nil
	}
	return e.failing(id)
}

func (e *engine) Revive(_ context.Context, event inorder.Event, workflowID string) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running[workflowID] {
		return false, nil
	}
	e.running[workflowID] = true
	e.revived, e.bodies = append(e.revived, event.ID), append(e.bodies, string(event.Body))
	return true, nil
}

func (e *engine) Wake(ctx context.Context, id string) (bool, error) {
	if !e.running[id] {
		return false, nil
	}
	e.woken = append(e.woken, id)
	_, err := e.pool.Exec(ctx, `DELETE FROM pending_events WHERE event_id = $1`, id)
	return true, err
}

func (e *engine) Retry(_ context.Context, id string) (bool, error) {
	e.retried = append(e.retried, id)
	return true, nil
}

func (e *engine) Running(_ context.Context, id string) (bool, error) {
	return e.running[id], e.fails(id)
}

func (e *engine) InAttention(_ context.Context, page []byte) ([]sweep.Run, []byte, error) {
	if page == nil && len(e.parked) > 1 {
		return e.parked[:1], []byte("more"), nil
	}
	if page != nil {
		return e.parked[1:], nil, nil
	}
	return e.parked, nil, nil
}

func (e *engine) Lost(context.Context, time.Time, []byte) ([]sweep.Run, []byte, error) {
	return e.lost, nil, nil
}

func (e *engine) Input(_ context.Context, r sweep.Run) (inorder.Event, bool, error) {
	return inorder.Event{ID: r.EventID(), ReceivedAt: time.Now(), Body: []byte(`{}`)}, r.RunID != "forgotten", nil
}

func setUp(t *testing.T) (*sweep.Sweep, *engine, func(sql string, args ...any)) {
	t.Parallel()
	pool := testenv.Database(t)
	e := &engine{pool: pool, running: map[string]bool{}}
	s := &sweep.Sweep{Store: store.New(pool), Engine: e, Retention: 720 * time.Hour, Now: time.Now()}
	return s, e, func(sql string, args ...any) {
		t.Helper()
		_, err := pool.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
}

const insertSQL = `INSERT INTO pending_events (event_id, order_id, type, payload, body, occurred_at, received_at, phase, seen_at)
SELECT $1 || lpad(n::text, 4, '0'), 'order_1', 'order.paid', '{}', '{"n":1e300}', now(), now() - $2::interval, $3, now() - $4::interval FROM generate_series(1, $5) n`

func TestASweepBringsBackWhatNobodyHasLookedAtForTwoHours(t *testing.T) {
	s, e, exec := setUp(t)
	exec(insertSQL, "old", "1 day", "waiting", "2 hours 1 minute", 450) // three pages
	exec(insertSQL, "stuck", "1 day", "stuck", "3 hours", 1)
	exec(insertSQL, "seen", "1 day", "waiting", "1 hour 59 minutes", 5)
	e.running["old0007"] = true
	r, err := s.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 450, r.Started)
	require.Equal(t, 451, r.Checked)
	require.NotContains(t, e.revived, "old0007")
	require.Contains(t, e.revived, "stuck0001")
	require.False(t, slices.ContainsFunc(e.revived, func(id string) bool { return id[:4] == "seen" }))
	require.Equal(t, `{"n":1e300}`, e.bodies[0], "as received")

	again, err := s.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 450, again.Started, "the report adds up, and nothing was started twice")
}

func TestByHandEveryEventIsAskedFor(t *testing.T) {
	s, e, exec := setUp(t)
	exec(insertSQL, "seen", "1 day", "waiting", "1 second", 250)
	e.running["seen0100"] = true
	s.All = true
	r, err := s.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 249, r.Started)
}

func TestEventsInAttentionAreAskedForOneByOne(t *testing.T) {
	s, e, exec := setUp(t)
	exec(insertSQL, "parked", "40 days", "attention", "1 second", 1)
	exec(insertSQL, "young", "1 day", "attention", "1 second", 2)
	e.parked, e.running["unrecorded"] = []sweep.Run{{WorkflowID: "young0001"}, {WorkflowID: "unrecorded"}}, true
	r, err := s.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"young0001", "young0002"}, e.revived)
	require.Equal(t, 1, r.TooOld)
	require.Contains(t, r.Notes[0], "event parked0001 has no workflow")
	require.Equal(t, []string{"unrecorded"}, e.retried, "an older program parked it in Temporal alone")
}

func TestRunsThatEndedWithoutAResult(t *testing.T) {
	s, e, exec := setUp(t)
	exec(`INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ('ended', 'order.paid', 'applied', '{}')`)
	e.lost = []sweep.Run{{WorkflowID: "ended"}, {WorkflowID: "terminated"}, {WorkflowID: "again"}, {WorkflowID: "gone", RunID: "forgotten"}}
	e.running["again"] = true
	r, err := s.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"terminated"}, e.revived)
	require.Equal(t, 4, r.Checked)
}

func TestAnOrderForWhichEventsStillWaitIsReleased(t *testing.T) {
	s, e, exec := setUp(t)
	exec(insertSQL, "evt", "1 day", "waiting", "1 minute", 20)
	for i := range 20 {
		e.running[fmt.Sprintf("evt%04d", i+1)] = true
	}
	order := `INSERT INTO orders (id, data, data_at, data_rank, data_event_id, last_webhook_at, created_at) VALUES ('order_1', '{}', now(), 0, 'x', now(), now())`
	exec(order)
	r, err := s.Run(t.Context())
	require.NoError(t, err)
	require.Zero(t, r.Woken, "its own workflow releases it")
	exec(`UPDATE orders SET created_at = now() - interval '16 minutes'`)
	r, err = s.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 20, r.Woken)
	require.Len(t, e.woken, 20)
}

func TestOneEventsErrorDoesNotEndASweep(t *testing.T) {
	s, e, exec := setUp(t)
	exec(insertSQL, "evt", "1 day", "attention", "1 minute", 20)
	e.failing = func(id string) error {
		if id == "evt0003" {
			return errors.New("not now")
		}
		return nil
	}
	r, err := s.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 19, r.Started)
	require.Equal(t, 1, r.Failed)
	require.Equal(t, []string{"event evt0003: not now"}, r.Notes)
}

func TestASweepEndsWhenTemporalIsAway(t *testing.T) {
	s, e, exec := setUp(t)
	exec(insertSQL, "evt", "1 day", "attention", "1 minute", 150)
	e.failing = func(string) error { return errors.New("Temporal is away") }
	r, err := s.Run(t.Context())
	require.ErrorContains(t, err, "10 events in a row could not be brought back: Temporal is away")
	require.Equal(t, 10, r.Failed)
}

func TestAReplaysWorkflowIsNotItsEvents(t *testing.T) {
	s, e, exec := setUp(t)
	exec(insertSQL, "evt", "40 days", "waiting", "3 hours", 1)
	exec(`UPDATE pending_events SET workflow_id = 'inorder-replay-evt0001-2', retried_at = now() - interval '3 hours'`)
	exec(`INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ('ended', 'order.paid', 'discarded', '{}')`)
	e.lost = []sweep.Run{{WorkflowID: "evt0001"}, {WorkflowID: "inorder-replay-evt0001-1"}, {WorkflowID: "inorder-replay-ended-1"}, {WorkflowID: "inorder-replay-purged-1"}}
	e.parked = []sweep.Run{{WorkflowID: "ended"}, {WorkflowID: "inorder-replay-ended-1"}}
	r, err := s.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"evt0001"}, e.revived)
	require.Equal(t, map[string]bool{"inorder-replay-evt0001-2": true}, e.running, "under its replay's name; its own run and the other replays are over")
	require.Zero(t, r.TooOld, "a person had it replayed three hours ago")
	require.Equal(t, []string{"ended", "inorder-replay-ended-1"}, e.retried, "they find that the event has ended")

	exec(`INSERT INTO orders (id, data, data_at, data_rank, data_event_id, last_webhook_at, created_at) VALUES ('order_1', '{}', now(), 0, 'x', now(), now() - interval '1 hour')`)
	_, err = s.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"inorder-replay-evt0001-2"}, e.woken)
}

func TestTheEventOfAWorkflow(t *testing.T) {
	for workflow, event := range map[string]string{
		"evt_1": "evt_1", "inorder-reconcile-0a1b": "inorder-reconcile-0a1b", "inorder-replay-": "inorder-replay-", "inorder-replay-1": "inorder-replay-1",
		sweep.ReplayID("evt_1", 12): "evt_1", sweep.ReplayID("a-1-2", 3): "a-1-2", sweep.ReplayID("inorder-reconcile-0a1b", 1): "inorder-reconcile-0a1b",
	} {
		require.Equal(t, event, sweep.EventID(workflow))
	}
}
