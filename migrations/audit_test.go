package migrations_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/migrations"
)

const insertActSQL = `INSERT INTO audit_log (at, actor, action, via, result) SELECT now() - d * interval '1 day', 'anna', 'retry', 'api', d::text FROM unnest($1::integer[]) d`

func denied(t *testing.T, err error) {
	t.Helper()
	var pg *pgconn.PgError
	require.True(t, errors.As(err, &pg) && pg.Code == pgerrDenied, "%v", err)
}

const pgerrDenied = "42501"

// Whoever owns the table: UPDATE and TRUNCATE never, DELETE of what is kept neither.
func TestTheAuditKeepsWhatItIsToKeep(t *testing.T) {
	t.Parallel()
	pool := testenv.Database(t)
	exec := func(sql string, args ...any) error {
		_, err := pool.Exec(t.Context(), sql, args...)
		return err
	}
	kept := func() (left []string) {
		rows, err := pool.Query(t.Context(), `SELECT result FROM audit_log ORDER BY at`)
		require.NoError(t, err)
		left, err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return left
	}
	purge := func() (n int64) {
		require.NoError(t, pool.QueryRow(t.Context(), `SELECT purge_audit(1000)`).Scan(&n))
		return n
	}
	keep := func(d time.Duration, changes bool) {
		changed, err := migrations.KeepAudit(t.Context(), pool, d)
		require.NoError(t, err)
		require.Equal(t, changes, changed)
	}
	require.NoError(t, exec(insertActSQL, []int{4000, 61, 59, 31, 29, 0}))
	denied(t, exec(`UPDATE audit_log SET at = 'epoch'`))
	denied(t, exec(`TRUNCATE audit_log`))
	denied(t, exec(`DELETE FROM audit_log WHERE result = '4000'`)) // it is kept for ever
	keep(0, false)
	require.Zero(t, purge())

	keep(60*24*time.Hour, true)
	keep(60*24*time.Hour, false)
	denied(t, exec(`DELETE FROM audit_log WHERE result IN ('61', '59')`)) // together
	require.NoError(t, exec(`DELETE FROM audit_log WHERE result = '61'`))
	require.EqualValues(t, 1, purge())
	require.Equal(t, []string{"59", "31", "29", "0"}, kept())

	keep(time.Hour, true) // which no setting can say
	require.EqualValues(t, 2, purge())
	require.Equal(t, []string{"29", "0"}, kept(), "a month is kept in any case")
	keep(0, true)
	require.Zero(t, purge())
}

// The programs' role can add to the audit and have old rows purged, and can't say what is old.
func TestARoleThatOwnsNothingPurgesOnlyWhatTheOwnerLetsGo(t *testing.T) {
	t.Parallel()
	owner := testenv.Database(t)
	name := "purger_" + strings.ToLower(rand.Text())
	_, err := owner.Exec(t.Context(), `CREATE ROLE `+name)
	require.NoError(t, err)
	t.Cleanup(func() { // the database is dropped after this
		_, err := owner.Exec(context.WithoutCancel(t.Context()), `DROP OWNED BY `+name+`; DROP ROLE `+name)
		require.NoError(t, err)
	})
	_, err = owner.Exec(t.Context(), `GRANT SELECT, INSERT ON audit_log TO `+name+`; GRANT EXECUTE ON FUNCTION purge_audit TO `+name)
	require.NoError(t, err)
	config := owner.Config()
	config.ConnConfig.RuntimeParams["role"] = name
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)

	_, err = pool.Exec(t.Context(), insertActSQL, []int{4000, 61, 0})
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `DELETE FROM audit_log WHERE result = '4000'`)
	denied(t, err)
	_, err = migrations.KeepAudit(t.Context(), pool, 40*24*time.Hour)
	denied(t, err)
	require.ErrorContains(t, err, "only the role that owns the tables may do this")
	_, err = migrations.KeepAudit(t.Context(), owner, 60*24*time.Hour)
	require.NoError(t, err)
	var n int64
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT purge_audit(1)`).Scan(&n))
	require.EqualValues(t, 1, n, "in batches")
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT purge_audit(1000)`).Scan(&n))
	require.EqualValues(t, 1, n)
	_, err = pool.Exec(t.Context(), `CREATE TEMPORARY TABLE audit_log (id bigint, at timestamptz)`)
	require.NoError(t, err)
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT purge_audit(1000)`).Scan(&n))
	require.Zero(t, n)
	require.NoError(t, owner.QueryRow(t.Context(), `SELECT count(*) FROM audit_log`).Scan(&n))
	require.EqualValues(t, 1, n)
}
