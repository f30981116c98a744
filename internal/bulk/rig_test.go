package bulk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
	"inorder/internal/bulk"
	"inorder/internal/operate"
	"inorder/internal/store"
	"inorder/internal/store/view"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// rig is bulks on a database of their own, with an engine and an operator that record what they are asked.
type rig struct {
	*testing.T
	*bulk.Bulks
	pool *pgxpool.Pool

	mu       sync.Mutex
	engine   func(id string) error // what starting a workflow does; nil: it succeeds
	started  map[string]int        // workflows, by ID
	applying []api.Event
	run      *bulk.Run // nil: Temporal has none
	act      func(eventID string, by operate.Act) error
	acts     map[string][]operate.Act // by event
}

func newRig(t *testing.T) *rig {
	t.Parallel()
	r := &rig{T: t, pool: testenv.Database(t), started: map[string]int{}, acts: map[string][]operate.Act{}}
	r.Bulks = &bulk.Bulks{Store: store.New(r.pool), Engine: (*engine)(r)}
	return r
}

type engine rig

var errAway = errors.New("connection refused")

func (e *engine) StartBulk(_ context.Context, id, _ string) error {
	if e.engine != nil {
		if err := e.engine(id); err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.started[id]++
	return nil
}

func (e *engine) StopBulk(context.Context, string) (bool, error) { return e.run != nil, nil }

func (e *engine) DescribeBulk(context.Context, string) (bulk.Run, bool, error) {
	if e.run == nil {
		return bulk.Run{}, false, nil
	}
	return *e.run, true, nil
}

func (e *engine) ListRunning(_ context.Context, _ api.Filter, _ []api.State, after view.Position, _ int) (view.Found, error) {
	if after != (view.Position{}) {
		return view.Found{}, nil
	}
	return view.Found{Events: slices.Clone(e.applying), Looked: view.Position{At: time.Now(), ID: "evt"}}, nil
}

func (e *engine) URL(id, _ string) string { return "http://ui/" + id }

// operator acts as package operate does: the act is in the audit before the answer.
type operator rig

func (o *operator) Retry(ctx context.Context, id string, by operate.Act) (api.Done, error) {
	return o.do(ctx, api.Retry, id, by)
}

func (o *operator) Discard(ctx context.Context, id string, by operate.Act) (api.Done, error) {
	return o.do(ctx, api.Discard, id, by)
}

func (o *operator) Replay(ctx context.Context, id string, by operate.Act) (api.Done, error) {
	return o.do(ctx, api.Replay, id, by)
}

func (o *operator) do(ctx context.Context, a api.Action, id string, by operate.Act) (api.Done, error) {
	if o.act != nil {
		if err := o.act(id, by); err != nil {
			return api.Done{}, err
		}
	}
	_, err := o.pool.Exec(ctx, `INSERT INTO audit_log (actor, action, event_id, bulk_id, via, result, act_id) VALUES ($1, $2, $3, $4, 'api', 'signaled', $5)
		ON CONFLICT DO NOTHING`, by.Actor, a, id, by.BulkID, by.ID)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.acts[id] = append(o.acts[id], by)
	return api.Done{EventID: id, Action: a, Result: "signaled"}, err
}

func (r *rig) runner() *bulk.Runner { return &bulk.Runner{Store: r.Store, Operator: (*operator)(r)} }

func (r *rig) exec(sql string, args ...any) {
	r.Helper()
	_, err := r.pool.Exec(r.Context(), sql, args...)
	require.NoError(r, err)
}

func (r *rig) count(sql string, args ...any) (n int) {
	r.Helper()
	require.NoError(r, r.pool.QueryRow(r.Context(), sql, args...).Scan(&n))
	return n
}

// waiting adds n waiting events that were received a minute apart, the first one n minutes ago.
func (r *rig) waiting(prefix string, n int) {
	r.exec(`INSERT INTO pending_events (event_id, order_id, type, payload, body, occurred_at, received_at, phase)
		SELECT $1 || i, 'order_' || i, 'order.paid', '{"store_id":"store_1"}', '{}', now(), now() - make_interval(mins => $2 - i), 'waiting'
		FROM generate_series(0, $2 - 1) AS i`, prefix, n)
}

func (r *rig) start(request api.BulkRequest) api.Started {
	r.Helper()
	s, err := r.Start(r.Context(), request, "ops", "")
	require.NoError(r, err)
	return s
}

func retryWaiting() api.BulkRequest {
	return api.BulkRequest{Action: api.Retry, Filter: api.Filter{State: api.StateWaiting}, Reason: "the orders are there", Rate: 1000}
}

// runAll runs the bulk to its end.
func (r *rig) runAll(id string) bulk.Progress {
	r.Helper()
	p, err := r.runner().Run(r.Context(), id, time.Minute)
	require.NoError(r, err)
	return p
}

// lockTimedOut reports whether another transaction had the lock for longer than lock_timeout, because it was stalled.
func lockTimedOut(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}

func names(prefix string, from, to int) (ids []string) {
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprint(prefix, i))
	}
	return ids
}
