package migrations_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/migrations"
)

// withoutIndexes is a database before the indexes for lists.
func withoutIndexes(t *testing.T) *pgxpool.Pool {
	pool := testenv.Pool(t, testenv.MigratedURL(t))
	_, err := pool.Exec(t.Context(), `DROP INDEX webhook_events_outcome, webhook_events_received_at, orders_updated_at, orders_id_prefix; DELETE FROM goose_db_version WHERE version_id = 14`)
	require.NoError(t, err)
	return pool
}

// Events are written while an index is built, which waits for those who wrote before it.
func TestIndexesAreBuiltBesideWrites(t *testing.T) {
	t.Parallel()
	pool := withoutIndexes(t)
	const write = `INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ($1, 'x', 'stale', '{}')`
	earlier, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = earlier.Exec(t.Context(), write, "evt_1")
	require.NoError(t, err)
	built := make(chan error, 1)
	go func() { built <- migrations.Apply(t.Context(), pool, testenv.Log) }()
	require.Eventually(t, func() bool {
		var waits bool
		err := pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^CREATE INDEX' AND wait_event_type = 'Lock')`).Scan(&waits)
		return err == nil && waits
	}, testenv.Patience, 20*time.Millisecond, "the index waits")

	later, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = later.Exec(t.Context(), `SET LOCAL lock_timeout = '3s'`)
	require.NoError(t, err)
	_, err = later.Exec(t.Context(), write, "evt_2")
	require.NoError(t, err, "who writes is not held up")
	require.NoError(t, later.Commit(t.Context()))
	require.NoError(t, earlier.Commit(t.Context()))
	require.NoError(t, <-built)
	require.NoError(t, migrations.Check(t.Context(), pool))
}

// A build that was cut off leaves an index that no query uses.
func TestAnIndexThatIsInvalidIsBuiltAnew(t *testing.T) {
	t.Parallel()
	pool := withoutIndexes(t)
	var before, after uint32
	const kept = `SELECT 'pending_events_phase'::regclass::oid`
	require.NoError(t, pool.QueryRow(t.Context(), kept).Scan(&before))
	_, err := pool.Exec(t.Context(), `CREATE INDEX webhook_events_outcome ON webhook_events (outcome); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'webhook_events_outcome'::regclass`)
	require.NoError(t, err)
	require.NoError(t, migrations.Apply(t.Context(), pool, testenv.Log))
	var definition string
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT pg_get_indexdef('webhook_events_outcome'::regclass)`).Scan(&definition))
	require.Contains(t, definition, "COALESCE")
	var invalid int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_index WHERE NOT indisvalid`).Scan(&invalid))
	require.Zero(t, invalid)
	require.NoError(t, pool.QueryRow(t.Context(), kept).Scan(&after))
	require.Equal(t, before, after, "what is there already is left alone")
}
