package migrations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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
		kept, err := AuditKept(ctx, tx)
		want := keep.Truncate(time.Second)
		if changed = kept != want; err != nil || !changed {
			return err
		}
		_, err = tx.Exec(ctx, fmt.Sprintf(keepAuditSQL, want/time.Second))
		return err
	})
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "42501" {
		err = fmt.Errorf("only the role that owns the tables may do this, so run it as that role: %w", err)
	}
	if err != nil {
		return false, fmt.Errorf("set how long the audit is kept: %w", err)
	}
	return changed, nil
}

// AuditKept returns how long the database keeps the rows of audit_log; zero is for ever. Any role of the programs may ask.
func AuditKept(ctx context.Context, db interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}) (time.Duration, error) {
	var seconds int64
	if err := db.QueryRow(ctx, auditKeptSQL).Scan(&seconds); err != nil {
		return 0, fmt.Errorf("read how long the audit is kept: %w", err)
	}
	return time.Duration(seconds) * time.Second, nil
}
