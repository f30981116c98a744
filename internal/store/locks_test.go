package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/dev/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// tables is a store on a database of its own.
type tables struct {
	*testing.T
	*Store
	pool *pgxpool.Pool
}

func newTables(t *testing.T) *tables {
	pool := testenv.Database(t)
	return &tables{T: t, Store: New(pool), pool: pool}
}

// told returns one event, at 10:00 plus so many minutes.
func told(id, eventType string, minute int, data string) string {
	return fmt.Sprintf(`{"id":%q,"type":%q,"created_at":"2025-01-15T10:%02d:00Z","data":%s}`, id, eventType, minute, data)
}

func created(id string) string {
	return told(id, "order.created", 0, `{"id":"order_1","status":"pending","total":{"amount":500,"currency":"KRW"}}`)
}

func (s *tables) event(body string) Event {
	e, err := inorder.ParseEvent([]byte(body))
	require.NoError(s, err)
	e.ReceivedAt = time.Now()
	return Read(e, time.Hour)
}

func (s *tables) tryApply(body string) (inorder.Outcome, error) {
	r, err := s.applyOne(s.Context(), s.event(body), nil)
	return r.Outcome, err
}

func (s *tables) apply(body string) inorder.Outcome {
	s.Helper()
	outcome, err := s.tryApply(body)
	require.NoError(s, err)
	return outcome
}

// connect returns a connection of another client, such as psql.
func (s *tables) connect() *pgx.Conn {
	s.Helper()
	conn, err := pgx.ConnectConfig(s.Context(), s.pool.Config().ConnConfig)
	require.NoError(s, err)
	s.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// hold runs SQL in a transaction that stays open until release.
func (s *tables) hold(sql string) (release func()) {
	s.Helper()
	conn := s.connect()
	_, err := conn.Exec(s.Context(), "BEGIN; "+sql)
	require.NoError(s, err)
	return func() { s.Helper(); conn.Close(context.Background()) }
}

// everything returns all that is stored about events, to see that nothing was written.
func (s *tables) everything() (all string) {
	s.Helper()
	require.NoError(s, s.pool.QueryRow(s.Context(), `SELECT concat((SELECT jsonb_agg(e ORDER BY event_id) FROM webhook_events e),
		(SELECT jsonb_agg(o ORDER BY id) FROM orders o), (SELECT jsonb_agg(p ORDER BY kind, id) FROM order_parts p),
		(SELECT jsonb_agg(p ORDER BY event_id) FROM pending_events p))`).Scan(&all))
	return all
}

func requireBusy(t testing.TB, err error) {
	t.Helper()
	busy := (*BusyError)(nil)
	require.ErrorAs(t, err, &busy)
	require.False(t, IsLasting(err))
}

// Whatever is locked, an event waits for it for a fraction of a second, and leaves nothing behind.
func TestNoEventWaitsLongForALock(t *testing.T) {
	part := told("evt_9", "payment.completed", 1, `{"id":"pay_1","order_id":"order_1"}`)
	for name, tc := range map[string]struct {
		lock, event string
		then        inorder.Outcome
	}{
		"the order's advisory lock":       {`SELECT pg_advisory_xact_lock(hashtextextended('order order_1', 0))`, part, inorder.Applied},
		"the event's, which has no order": {`SELECT pg_advisory_xact_lock(hashtextextended('event evt_9', 0))`, told("evt_9", "cart.updated", 1, `{}`), inorder.Ignored},
		"the order's row":                 {`SELECT 1 FROM orders FOR UPDATE`, part, inorder.Applied},
		"the order's row, for a part's foreign key": {`SELECT 1 FROM orders FOR UPDATE`,
			told("evt_9", "payment.refunded", 1, `{"order_id":"order_1","amount":{"amount":5,"currency":"KRW"}}`), inorder.Stale},
		"a part's row":                    {`SELECT 1 FROM order_parts FOR UPDATE`, part, inorder.Applied},
		"a part that is being written":    {`INSERT INTO order_parts VALUES ('refund', 'ref_1', 'order_1', 'completed', 5, 'KRW', '{}', 'x', now())`, told("evt_9", "refund.created", 1, `{"id":"ref_1","order_id":"order_1","amount":{"amount":5,"currency":"KRW"}}`), inorder.Applied},
		"an event that is being written":  {`INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ('evt_9', 'x', 'stale', '{}')`, part, inorder.Applied},
		"an order that is being written":  {`INSERT INTO orders (id, data, data_at, data_rank, data_event_id, last_webhook_at) VALUES ('order_2', '{}', now(), 0, 'x', now())`, told("evt_9", "order.created", 1, `{"id":"order_2","status":"pending","total":{"amount":5,"currency":"KRW"}}`), inorder.Applied},
		"the row of a waiting event":      {`SELECT 1 FROM pending_events FOR UPDATE`, told("evt_3", "order.paid", 1, `{"id":"order_3"}`), inorder.Waiting},
		"a table that is being altered":   {`LOCK TABLE orders`, part, inorder.Applied},
		"a table that is only to be read": {`LOCK TABLE webhook_events`, part, inorder.Applied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTables(t)
			s.apply(created("evt_1"))
			s.apply(told("evt_2", "payment.created", 0, `{"id":"pay_1","order_id":"order_1"}`))
			s.apply(told("evt_3", "order.paid", 0, `{"id":"order_3"}`))
			s.apply(told("evt_4", "order.updated", 5, `{"id":"order_1","status":"confirmed","total":{"amount":500,"currency":"KRW"},"refunds":[]}`))
			before := s.everything()
			release := s.hold(tc.lock)
			_, err := s.tryApply(tc.event)
			requireBusy(t, err)
			release()
			require.Equal(t, before, s.everything())
			require.Eventually(t, func() bool { // the order counts as locked for a second
				outcome, err := s.tryApply(tc.event)
				return err == nil && outcome == tc.then
			}, testenv.Patience, 20*time.Millisecond)
		})
	}
}

// Somebody has the order's row and then asks for its advisory lock, which is held by the event that waits for the row.
func TestADeadlockWithSomebodyElseIsTriedAgain(t *testing.T) {
	s := newTables(t)
	s.apply(created("evt_1"))
	conn := s.connect()
	_, err := conn.Exec(t.Context(), `BEGIN; SELECT 1 FROM orders FOR UPDATE`)
	require.NoError(t, err)
	failed := make(chan error, 1)
	paid := told("evt_2", "order.paid", 1, `{"id":"order_1"}`)
	try := func() {
		_, err := s.tryApply(paid)
		failed <- err
	}
	go try()
	s.blocked(1, func() {
		if len(failed) > 0 {
			<-failed
			go try()
		}
	})
	_, err = conn.Exec(t.Context(), `SELECT pg_advisory_xact_lock(hashtextextended('order order_1', 0)); COMMIT`)
	require.NoError(t, err, "the event gives way")
	err = <-failed
	require.Error(t, err)
	require.False(t, IsLasting(err))
	require.Eventually(t, func() bool {
		outcome, err := s.tryApply(paid)
		return err == nil && outcome == inorder.Applied
	}, testenv.Patience, 20*time.Millisecond)
}

// While an order is locked, the pool's other connections are free, whatever comes for that order.
func TestALockedOrderTakesTwoConnections(t *testing.T) {
	s := newTables(t)
	s.apply(created("evt_1"))
	release := s.hold(`SELECT 1 FROM orders FOR UPDATE`)
	refused := make(chan error, 60)
	come := func() {
		for n := range 60 {
			go func() {
				_, err := s.tryApply(told(fmt.Sprint("evt_hot_", n), "order.paid", 1, `{"id":"order_1"}`))
				refused <- err
			}()
		}
	}
	come()
	s.blocked(2, func() {
		if len(refused) < 60 {
			return
		}
		for range 60 {
			<-refused
		}
		s.Store = New(s.pool) // it does not know that the order is locked
		come()
	})
	require.LessOrEqual(t, s.pool.Stat().AcquiredConns(), int32(2))
	require.Equal(t, inorder.Applied, s.apply(told("evt_2", "order.created", 0, `{"id":"order_2","status":"pending","total":{"amount":5,"currency":"KRW"}}`)))
	for range 60 {
		err := <-refused
		requireBusy(t, err)
	}
	release()
}

// A migration runs beside a worker. Statements that were described before it go on working. Those that were prepared,
// because DATABASE_URL says so, fail once on each connection, and then work.
func TestAPlanOfBeforeAMigrationIsMadeAnew(t *testing.T) {
	const described, prepared = pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeCacheStatement
	for name, tc := range map[string]struct {
		mode  pgx.QueryExecMode
		sql   string
		fails bool
	}{
		"a column's type changed":              {described, `ALTER TABLE orders ALTER COLUMN currency TYPE varchar(16)`, false},
		"a number's type changed":              {described, `ALTER TABLE orders ALTER COLUMN data_rank TYPE bigint`, false},
		"a column was added":                   {described, `ALTER TABLE orders ADD COLUMN note text`, false},
		"an index was added":                   {described, `CREATE INDEX ON orders (status)`, false},
		"a prepared column's type changed":     {prepared, `ALTER TABLE orders ALTER COLUMN currency TYPE varchar(16)`, true},
		"a column was added to a prepared one": {prepared, `ALTER TABLE orders ADD COLUMN note text`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTables(t)
			c := s.pool.Config().ConnConfig
			c.DefaultQueryExecMode = tc.mode
			conn, err := pgx.ConnectConfig(t.Context(), c) // one connection, which knows every statement
			require.NoError(t, err)
			defer conn.Close(context.Background())
			s.Store = New(conn)
			s.apply(created("evt_1"))
			s.apply(told("evt_2", "order.paid", 1, `{"id":"order_1"}`))
			_, err = s.connect().Exec(t.Context(), tc.sql)
			require.NoError(t, err)

			e := told("evt_3", "order.fulfilled", 2, `{"id":"order_1"}`)
			_, err = s.tryApply(e)
			require.Equal(t, tc.fails, err != nil, err)
			require.False(t, IsLasting(err), err)
			require.Equal(t, inorder.Applied, s.apply(e), "the next run")
		})
	}
}

// TestPingWaitsForNoOtherPing holds the lock that every process once pinged with.
func TestPingWaitsForNoOtherPing(t *testing.T) {
	s := newTables(t)
	s.hold(`SELECT pg_advisory_xact_lock(hashtextextended('order inorder-ping', 0))`)
	require.NoError(t, s.Ping(t.Context()))
	t.Run("but for the tables that events need", func(t *testing.T) {
		s.hold(`LOCK TABLE orders IN ACCESS EXCLUSIVE MODE`)
		require.True(t, isLockTimeout(s.Ping(t.Context())))
	})
}
