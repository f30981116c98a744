package migrations_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/migrations"
)

type execer interface {
	Exec(ctx context.Context, sql string, arguments ...any) (pgconn.CommandTag, error)
}

// An autovacuum that is in the way is ended after deadlock_timeout. What builds an index waits for transactions, and nobody waits behind it.
func TestOnlyMigrationsInATransactionHaveALockTimeout(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, testenv.DatabaseURL(t))
	files := fstest.MapFS{
		"0001_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE seen_1 AS SELECT current_setting('lock_timeout') AS lock_timeout;\n")},
		"0002_b.sql": {Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE seen_2 AS SELECT current_setting('lock_timeout') AS lock_timeout;\n")},
	}
	require.NoError(t, migrations.ApplyFiles(t.Context(), pool, testenv.Log, files, 0))
	var inTransaction, outside string
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT seen_1.lock_timeout, seen_2.lock_timeout FROM seen_1, seen_2`).Scan(&inTransaction, &outside))
	require.Equal(t, []string{"1500ms", "0"}, []string{inTransaction, outside})
}
