package view_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/store"
	"inorder/internal/store/view"
)

func TestWhatHoldsAnOrderUp(t *testing.T) {
	s := newTables(t)
	s.oneOfEach()
	s.order("order_1", "", "", "pending", 1)
	found, err := s.Blocked(t.Context(), "order_2", 50)
	require.NoError(t, err)
	require.False(t, found.Exists)
	require.Nil(t, found.Lock)
	require.Equal(t, []string{"evt_stuck", "evt_waiting"}, idsOf(view.Merge(50, found.Events...).Data))

	found, err = s.Blocked(t.Context(), "order_1", 50)
	require.NoError(t, err)
	require.True(t, found.Exists)
	require.Equal(t, []string{"evt_inbox"}, idsOf(view.Merge(50, found.Events...).Data))

	for _, unknown := range []string{"order_9", "", "a\x00"} {
		found, err = s.Blocked(t.Context(), unknown, 50)
		require.NoError(t, err)
		require.False(t, found.Exists)
	}
}

func TestWhoHoldsTheLockOfAnOrder(t *testing.T) {
	for what, sql := range map[string]string{
		"the order's lock": `SELECT pg_advisory_xact_lock(hashtextextended('` + store.OrderLock("order_1") + `', 0))`,
		"the order's row":  `SELECT FROM orders WHERE id = 'order_1' FOR UPDATE`,
		"the table orders": `LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE`,
	} {
		t.Run(what, func(t *testing.T) {
			s := newTables(t) // of its own: who waited and was canceled may still get the lock, and have it until PostgreSQL sees that the client is gone
			s.order("order_1", "", "", "pending", 1)
			s.order("order_2", "", "", "pending", 1)
			others := testenv.Pool(t, testenv.WithParameter(s.pool.Config().ConnString(), "application_name", "somebody"))
			tx, err := others.Begin(t.Context())
			require.NoError(t, err)
			defer tx.Rollback(context.WithoutCancel(t.Context()))
			_, err = tx.Exec(t.Context(), sql)
			require.NoError(t, err)
			waiting, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); waits(waiting, others, sql) }()

			require.Eventually(t, func() bool {
				found, err := s.Blocked(t.Context(), "order_1", 50)
				require.NoError(t, err)
				l := found.Lock
				require.NotNil(t, l)
				require.Equal(t, what, l.What)
				require.Equal(t, "somebody", l.Application)
				require.EqualValues(t, tx.Conn().PgConn().PID(), l.PID)
				require.NotEmpty(t, l.User)
				require.Equal(t, "idle in transaction", l.State)
				return l.Waiting == 1 && l.ForSeconds > 0
			}, testenv.Patience, 20*time.Millisecond)
			if what != "the table orders" {
				found, err := s.Blocked(t.Context(), "order_2", 50)
				require.NoError(t, err)
				require.Nil(t, found.Lock)
			}
			stop()
			<-done
		})
	}
}

// An event that is being applied has the order's lock, and waits for whoever has the row.
func TestWhoeverHasTheRowHoldsUpTheHolderOfTheLock(t *testing.T) {
	s := newTables(t)
	s.order("order_1", "", "", "pending", 1)
	tx, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	_, err = tx.Exec(t.Context(), `SELECT FROM orders WHERE id = 'order_1' FOR UPDATE`)
	require.NoError(t, err)
	ours, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	defer ours.Rollback(context.WithoutCancel(t.Context()))
	_, err = ours.Exec(t.Context(), `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, store.OrderLock("order_1"))
	require.NoError(t, err)
	found, err := s.Blocked(t.Context(), "order_1", 50)
	require.NoError(t, err)
	require.Equal(t, "the order's row", found.Lock.What)
	require.EqualValues(t, tx.Conn().PgConn().PID(), found.Lock.PID)
}

func waits(ctx context.Context, pool *pgxpool.Pool, sql string) {
	_ = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { _, err := tx.Exec(ctx, sql); return err })
}

// Nothing can read the table then, but LockHolder still says who holds it.
func TestWhoLocksTheWholeTable(t *testing.T) {
	s := newTables(t)
	tx, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	_, err = tx.Exec(t.Context(), `LOCK TABLE orders`)
	require.NoError(t, err)
	_, err = s.Blocked(t.Context(), "order_1", 50)
	require.Error(t, err)
	holder, err := s.LockHolder(t.Context(), "order_1")
	require.NoError(t, err)
	require.EqualValues(t, tx.Conn().PgConn().PID(), holder.PID)
}
