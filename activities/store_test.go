package activities_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"inorder"
	"inorder/activities"
	"inorder/dev/testenv"
	"inorder/internal/config"
	"inorder/internal/loglimit"
	"inorder/internal/reconcile"
	"inorder/internal/redelivery"
	tables "inorder/internal/store"
	"inorder/internal/sweep"
	"inorder/internal/webhooks"
)

func TestMain(m *testing.M) { testenv.Main(m) }

var received = time.Date(2025, 1, 15, 12, 0, 0, 0, time.UTC)

// store is the activities with a database of their own.
type store struct {
	*activities.Activities
	t    testing.TB
	pool *pgxpool.Pool
	wire *wire

	events  events
	metrics *prometheus.Registry
}

func newStore(t testing.TB) *store {
	t.Helper()
	s := &store{t: t, wire: &wire{}, metrics: prometheus.NewRegistry()}
	c, err := config.PoolConfig(testenv.MigratedURL(t))
	require.NoError(t, err)
	c.MaxConns = 12
	c.ConnConfig.DialFunc = s.wire.dial
	s.pool, err = pgxpool.NewWithConfig(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(s.pool.Close)
	s.Activities = &activities.Activities{
		Store: tables.New(s.pool), Reconcile: reconcile.NewMetrics(s.metrics), Redelivery: redelivery.NewMetrics(nil), Events: &s.events, Log: testenv.Log, Limited: loglimit.New(testenv.Log, loglimit.Every), MaxEventSkew: time.Hour, EventRetention: 100 * 365 * 24 * time.Hour, // longer ago than `received`
		Webhooks: webhooks.Store{Pool: s.pool}, Wait: activities.WaitPolicy{Recheck: time.Minute, StuckAfter: 24 * time.Hour, TTL: 30 * 24 * time.Hour},
	}
	return s
}

// events stands in for the workflows: it records what it is asked for. Those named in gone have no workflow, and those in
// failing can't be woken.
type events struct {
	activities.Events
	mu            sync.Mutex
	woke          []string // event IDs, in order
	gone, failing map[string]bool
	revived       []inorder.Event
	woken         func(eventID string)
	start         func(context.Context, inorder.Event) error
	silent        error // of CanceledBy and SignaledBy, if set
}

func (e *events) Wake(_ context.Context, id string) (alive bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failing[id] {
		return false, errors.New("not now")
	}
	if e.gone[id] {
		return false, nil
	}
	e.woke = append(e.woke, id)
	if e.woken != nil {
		e.woken(id)
	}
	return true, nil
}

func (e *events) Start(ctx context.Context, event inorder.Event) error { return e.start(ctx, event) }

func (e *events) SignaledBy(context.Context, sweep.Run, string) (string, error) { return "", e.silent }

func (e *events) CanceledBy(context.Context, sweep.Run) (actor, reason string, err error) {
	return "", "", e.silent
}

func (e *events) Revive(_ context.Context, event inorder.Event, _ string) (started bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revived = append(e.revived, event)
	return true, nil
}

// told returns the body of an event of 10:00 plus the given minutes.
func told(id, eventType string, minutes int, data string) string {
	return fmt.Sprintf(`{"id":%q,"type":%q,"created_at":"2025-01-15T10:%02d:00Z","data":%s,"store_id":"store_1"}`, id, eventType, minutes, data)
}

// created returns the body of an event that creates order_1 at 10:00.
func created(id string) string {
	return told(id, "order.created", 0, `{"id":"order_1","number":1001,"status":"pending","payment_status":"unpaid","total":{"amount":500,"currency":"KRW"}}`)
}

func paid(id string) string { return told(id, "order.paid", 0, `{"id":"order_1"}`) }

func raw(body string) converter.RawValue {
	return converter.NewRawValue(&commonpb.Payload{Data: []byte(body)})
}

func receipt(t testing.TB, body string) activities.Receipt {
	e, err := inorder.ParseEvent([]byte(body))
	require.NoError(t, err)
	return activities.Receipt{EventID: e.ID, ReceivedAt: received}
}

func (s *store) apply(body string) activities.ApplyEventResult {
	s.t.Helper()
	return s.applyAt(body, 0)
}

func (s *store) applyAt(body string, age time.Duration) activities.ApplyEventResult {
	s.t.Helper()
	r, err := s.ApplyEvent(s.t.Context(), raw(body), activities.ApplyEventInput{Receipt: receipt(s.t, body), Age: age})
	require.NoError(s.t, err)
	return r
}

// answer is how an ApplyEvent that ran beside others ended.
type answer struct {
	activities.ApplyEventResult
	err error
}

func (s *store) start(body string) <-chan answer {
	in := activities.ApplyEventInput{Receipt: receipt(s.t, body)}
	done := make(chan answer, 1)
	go func() {
		r, err := s.ApplyEvent(s.t.Context(), raw(body), in)
		done <- answer{r, err}
	}()
	return done
}

func (s *store) discard(body, reason, actor string) activities.ApplyEventResult {
	s.t.Helper()
	r, err := s.DiscardEvent(s.t.Context(), raw(body), activities.DiscardEventInput{Receipt: receipt(s.t, body), Reason: reason, Actor: actor})
	require.NoError(s.t, err)
	return r
}

// text returns the single value of the query as text; "" for NULL and for no row.
func (s *store) text(sql string, args ...any) string {
	s.t.Helper()
	var value *string
	err := s.pool.QueryRow(s.t.Context(), "SELECT ("+sql+")::text", args...).Scan(&value)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && value == nil {
		return ""
	}
	require.NoError(s.t, err)
	return *value
}

func (s *store) exec(sql string, args ...any) {
	s.t.Helper()
	_, err := s.pool.Exec(s.t.Context(), sql, args...)
	require.NoError(s.t, err)
}

// everything returns all that is stored, to check that nothing was written.
func (s *store) everything() string {
	s.t.Helper()
	return s.text(`SELECT coalesce((SELECT jsonb_agg(e ORDER BY event_id) FROM webhook_events e), '[]') ||
		coalesce((SELECT jsonb_agg(o ORDER BY id) FROM orders o), '[]') ||
		coalesce((SELECT jsonb_agg(p ORDER BY kind, id) FROM order_parts p), '[]') ||
		coalesce((SELECT jsonb_agg(p ORDER BY event_id) FROM pending_events p), '[]')`)
}

// hold runs SQL in a transaction that stays open until release commits it.
func (s *store) hold(sql string, args ...any) (release func()) {
	s.t.Helper()
	tx, err := s.pool.Begin(s.t.Context())
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	_, err = tx.Exec(s.t.Context(), sql, args...)
	require.NoError(s.t, err)
	return func() {
		s.t.Helper()
		require.NoError(s.t, tx.Commit(s.t.Context()))
	}
}

// holdOrder takes order_1's lock, as applying an event does.
func (s *store) holdOrder() (release func()) {
	s.t.Helper()
	return s.hold(`SELECT pg_advisory_xact_lock(hashtextextended('order order_1', 0))`)
}

// blocked waits until n transactions of this database wait for a lock, and returns the process IDs of their backends.
func (s *store) blocked(n int) (pids []int32) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		rows, err := s.pool.Query(s.t.Context(), `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		require.NoError(s.t, err)
		pids, err = pgx.CollectRows(rows, pgx.RowTo[int32])
		require.NoError(s.t, err)
		return len(pids) == n
	}, testenv.Patience, 5*time.Millisecond)
	return pids
}

func requireRetryable(t testing.TB, err error) {
	t.Helper()
	require.Error(t, err)
	var failed *temporal.ApplicationError
	require.False(t, errors.As(err, &failed) && failed.NonRetryable(), "it must be retried: %v", err)
}
