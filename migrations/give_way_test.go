package migrations_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/migrations"
)

// beside is a database that a migration changes while transactions use it. No wait in it is without an end.
type beside struct {
	t    *testing.T
	ctx  context.Context
	pool *pgxpool.Pool
	log  *testenv.Output
	done chan error // what the migration returned
}

func newBeside(t *testing.T) *beside {
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
	t.Cleanup(cancel)
	b := &beside{t: t, ctx: ctx, pool: testenv.Pool(t, testenv.DatabaseURL(t)), done: make(chan error, 1)}
	b.exec(b.pool, `CREATE TABLE orders (id text); CREATE TABLE event_inbox (event_id text)`)
	return b
}

// migrate runs one migration, which gives up that long after it first gave way.
func (b *beside) migrate(text string, most time.Duration) {
	log, out := testenv.Logs(b.t)
	b.log = out
	go func() {
		b.done <- migrations.ApplyFiles(b.ctx, b.pool, log, fstest.MapFS{"0001_change_orders.sql": {Data: []byte(text)}}, most)
	}()
}

// begin returns a transaction that ends with the test, if not before.
func (b *beside) begin() pgx.Tx {
	tx, err := b.pool.Begin(b.ctx)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(b.ctx)) })
	return tx
}

func (b *beside) exec(db execer, sql string) {
	_, err := db.Exec(b.ctx, sql)
	require.NoError(b.t, err, sql)
}

// awaits polls until somebody waits for the lock.
func (b *beside) awaits(lock string) {
	require.Eventually(b.t, func() bool {
		var waits bool
		err := b.pool.QueryRow(b.ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND `+lock+`)`).Scan(&waits)
		return err == nil && waits
	}, testenv.Patience, 5*time.Millisecond, lock)
}

func (b *beside) migrated() error {
	select {
	case err := <-b.done:
		return err
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}

// The programs run while a migration locks one table after the other. A transaction that has the second table, and then wants the first, makes a deadlock,
// which PostgreSQL ends for who notices it: the migration, which waits second.
func TestAMigrationThatLosesADeadlockIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBeside(t)
	gate, program := b.begin(), b.begin()
	b.exec(gate, `SELECT pg_advisory_xact_lock(1)`)
	b.exec(program, `SET LOCAL deadlock_timeout = '1h'; LOCK TABLE orders IN ROW EXCLUSIVE MODE`)
	b.migrate(`-- +goose Up
SET LOCAL lock_timeout = 0; -- it is to be the deadlock
SET LOCAL deadlock_timeout = '10ms';
LOCK TABLE event_inbox;
SELECT pg_advisory_xact_lock(1);
ALTER TABLE orders ADD COLUMN number text;
`, time.Minute)
	b.awaits(`locktype = 'advisory'`)
	asked := make(chan error, 1)
	go func() {
		_, err := program.Exec(b.ctx, `LOCK TABLE event_inbox IN ROW EXCLUSIVE MODE`)
		asked <- err
	}()
	b.awaits(`relation = 'event_inbox'::regclass`)
	require.NoError(t, gate.Rollback(b.ctx))
	require.NoError(t, <-asked, "the program has won")
	require.NoError(t, program.Commit(b.ctx))
	require.NoError(t, b.migrated())
	require.Contains(t, b.log.String(), "code=40P01")
	b.exec(b.pool, `INSERT INTO orders (id, number) VALUES ('ord_1', '1001')`)
}

// Whoever comes after a migration that waits for a table waits behind it, even to read. So the migration doesn't wait until who has the table is done.
func TestWritesGoOnWhileAMigrationCantHaveATable(t *testing.T) {
	t.Parallel()
	b := newBeside(t)
	backup := b.begin()
	b.exec(backup, `SELECT FROM orders`)
	b.migrate("-- +goose Up\nALTER TABLE orders ADD COLUMN number text;\n", time.Minute)
	b.awaits(`relation = 'orders'::regclass`)
	b.exec(b.pool, `INSERT INTO event_inbox (event_id) VALUES ('evt_1')`)
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	_, err := b.pool.Exec(ctx, `INSERT INTO orders (id) VALUES ('ord_1')`)
	require.NoError(t, err, "who writes orders doesn't wait for the backup")
	require.Eventually(t, func() bool { return len(b.log.String()) > 0 }, testenv.Patience, 5*time.Millisecond)
	require.Contains(t, b.log.String(), "code=55P03")
	require.Empty(t, b.done)
	require.NoError(t, backup.Commit(b.ctx))
	require.NoError(t, b.migrated())
	b.exec(b.pool, `INSERT INTO orders (id, number) VALUES ('ord_2', '1002')`)
}

func TestAMigrationThatNeverGetsATableEnds(t *testing.T) {
	t.Parallel()
	b := newBeside(t)
	b.exec(b.begin(), `SELECT FROM orders`)
	b.migrate("-- +goose Up\nALTER TABLE orders ADD COLUMN number text;\n", time.Millisecond)
	err := b.migrated()
	require.ErrorContains(t, err, "55P03")
	require.ErrorContains(t, err, "pg_stat_activity")
	b.exec(b.pool, `INSERT INTO orders (id) VALUES ('ord_1')`)
}
