package migrations

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	auditLockSQL = `SELECT pg_advisory_xact_lock(hashtext('inorder: audit_kept_for'))`
	auditKeptSQL = `SELECT extract(epoch FROM audit_kept_for())::bigint`
	// A statement that defines a function takes no parameters; this one is a whole number.
	keepAuditSQL = `CREATE OR REPLACE FUNCTION audit_kept_for() RETURNS interval LANGUAGE sql STABLE AS 'SELECT make_interval(secs => %d)'`
)

// KeepAudit has the database keep the rows of audit_log for a time, to the second, and refuse to delete them earlier; zero is for ever. Only who
// owns the tables may. It may run any number of times, and beside itself; changed reports whether it was otherwise before.
func KeepAudit(ctx context.Context, pool *pgxpool.Pool, keep time.Duration) (changed bool, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, auditLockSQL); err != nil {
			return err
		}
		var kept int64
		if err := tx.QueryRow(ctx, auditKeptSQL).Scan(&kept); err != nil {
			return err
		}
		want := int64(keep / time.Second)
		if changed = kept != want; !changed {
			return nil
		}
		_, err := tx.Exec(ctx, fmt.Sprintf(keepAuditSQL, want))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("set how long the audit is kept: %w", err)
	}
	return changed, nil
}
