package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/dev/testenv"
	"inorder/internal/inbox"
	"inorder/internal/loglimit"
	"inorder/internal/store"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// rig is an inbox on real tables, with a Temporal that only counts starts.
type rig struct {
	t      *testing.T
	pool   *pgxpool.Pool
	store  *store.Store
	writer *inbox.Writer

	mu      sync.Mutex
	away    bool
	started map[string]int // by event ID
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, pool: testenv.Pool(t, testenv.MigratedURL(t)), started: map[string]int{}}
	r.store = store.New(r.pool)
	r.writer = inbox.NewWriter(r.store, func() {})
	r.beside(r.writer.Run)
	return r
}

// beside runs f until the test ends, or until the function that it returns has been called and has returned.
func (r *rig) beside(f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f(ctx) })
	stop = func() { cancel(); running.Wait() }
	r.t.Cleanup(stop)
	return stop
}

func (r *rig) drain(change func(*inbox.Options)) (stop func()) {
	o := inbox.Options{Store: r.store, Start: r.start, MaxEventSkew: time.Hour, Log: loglimit.New(testenv.Log, loglimit.Every)}
	if change != nil {
		change(&o)
	}
	d := inbox.NewDrainer(o)
	d.AllowStarts()
	return r.beside(d.Run)
}

func (r *rig) start(_ context.Context, e inorder.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return errors.New("away")
	}
	r.started[e.ID]++
	return nil
}

func (r *rig) starts(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.started[id]
}

// allStarted returns the IDs of the events whose workflow was started, sorted. An event may be started twice: its row comes up again within
// a second if PostgreSQL has not removed it by then.
func (r *rig) allStarted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.started))
}

var began = time.Now().UTC().Truncate(time.Second)

// event returns an event that was received now and happened after seconds after began.
func event(t testing.TB, id, eventType string, after int, data string) inorder.Event {
	e, err := inorder.ParseEvent(fmt.Appendf(nil, `{"id":%q,"type":%q,"created_at":%q,"data":%s}`,
		id, eventType, began.Add(time.Duration(after)*time.Second).Format(time.RFC3339), data))
	require.NoError(t, err)
	e.ReceivedAt = time.Now().UTC()
	return e
}

func created(t testing.TB, n int) inorder.Event {
	return event(t, fmt.Sprintf("evt_created_%d", n), "order.created", 0, fmt.Sprintf(`{"id":"order_%d","status":"pending"}`, n))
}

func paid(t testing.TB, n int) inorder.Event {
	return event(t, fmt.Sprintf("evt_paid_%d", n), "order.paid", 1, fmt.Sprintf(`{"order_id":"order_%d","payment_status":"paid"}`, n))
}

func (r *rig) put(events ...inorder.Event) {
	for _, e := range events {
		duplicate, err := r.writer.Put(e, 0)
		for errors.Is(err, context.DeadlineExceeded) || errors.Is(err, inbox.ErrAway) { // PostgreSQL stalls for seconds
			time.Sleep(20 * time.Millisecond)
			_, err = r.writer.Put(e, 0) // a duplicate if the first one was written after all
		}
		require.NoError(r.t, err)
		require.False(r.t, duplicate, e.ID)
	}
}

func (r *rig) count(sql string, args ...any) (n int) {
	require.NoError(r.t, r.pool.QueryRow(r.t.Context(), sql, args...).Scan(&n))
	return n
}

func (r *rig) outcome(id string) (outcome string) {
	_ = r.pool.QueryRow(r.t.Context(), `SELECT outcome || ' via ' || via FROM webhook_events WHERE event_id = $1`, id).Scan(&outcome)
	return outcome
}

func (r *rig) eventually(what string, is func() bool) {
	r.t.Helper()
	require.Eventually(r.t, is, testenv.Patience, 20*time.Millisecond, what)
}

func (r *rig) emptied() {
	r.t.Helper()
	r.eventually("the inbox is empty", func() bool { return r.count(`SELECT count(*) FROM event_inbox`) == 0 })
}

func (r *rig) exec(sql string, args ...any) {
	_, err := r.pool.Exec(r.t.Context(), sql, args...)
	require.NoError(r.t, err)
}
