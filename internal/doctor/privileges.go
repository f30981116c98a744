package doctor

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"inorder/internal/retention"
	"inorder/migrations"
)

// Two triggers keep audit_log append-only: one against changes, and one against deleting what AUDIT_RETENTION keeps.
const auditSQL = `
SELECT pg_has_role(c.relowner, 'MEMBER') OR has_table_privilege(c.oid, 'UPDATE') OR has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE'),
	ARRAY(SELECT tgname::text FROM pg_trigger WHERE tgrelid = c.oid AND tgname = ANY($1) AND tgenabled NOT IN ('O', 'A') ORDER BY tgname),
	ARRAY(SELECT guard FROM unnest($1::text[]) AS g (guard) WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgname = guard) ORDER BY guard)
FROM pg_class c WHERE c.oid = to_regclass('audit_log')`

var auditGuards = []string{"audit_log_is_append_only", "audit_log_keeps_its_rows"}

func (p Postgres) privileges(ctx context.Context) ([]Finding, error) {
	lacking, err := migrations.Lacking(ctx, p.Pool)
	if err != nil {
		return nil, err
	}
	var found []Finding
	if len(lacking) > 0 {
		found = append(found, Fails("privileges", "Run `inorder migrate --grant ROLE` with the URL of the tables' owner, and this role's name.",
			"the role lacks %s", strings.Join(lacking, "; ")))
	}
	var changes bool
	var disabled, gone []string
	err = p.Pool.QueryRow(ctx, auditSQL, auditGuards).Scan(&changes, &disabled, &gone)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // an older schema, which another check reports
	case err != nil:
		return found, err
	case len(disabled)+len(gone) > 0:
		if len(disabled) > 0 {
			found = append(found, Fails("privileges", "ALTER TABLE audit_log ENABLE TRIGGER "+strings.Join(disabled, ", ENABLE TRIGGER ")+".",
				"the trigger that keeps audit_log append-only is disabled: %s", strings.Join(disabled, ", ")))
		}
		if len(gone) > 0 {
			found = append(found, Fails("privileges", "Create it as migrations/0012_add_retention.sql does, as the owner of the table.",
				"the trigger that keeps audit_log append-only is missing: %s", strings.Join(gone, ", ")))
		}
	case changes:
		found = append(found, Noted("privileges", "In production run as a role that owns nothing: `inorder migrate --grant ROLE`; see docs/settings.md.",
			"this role may change rows of the audit, or owns it"))
	}
	if found == nil {
		found = append(found, Well("privileges", "the role has what the programs need, and can't change the audit"))
	}
	return found, nil
}

// audit compares how long the database keeps the audit, as the last `inorder migrate` wrote it, with the settings of today, because no program
// reads both.
func (p Postgres) audit(ctx context.Context) ([]Finding, error) {
	kept, err := migrations.AuditKept(ctx, p.Pool)
	if err != nil {
		return nil, err
	}
	settings := p.Retention
	settings.Audit = kept
	for _, problem := range settings.Check() {
		if problem.Setting == "AUDIT_RETENTION" {
			return []Finding{Fails("audit", "Run `inorder migrate` with AUDIT_RETENTION="+retention.Short(problem.Right)+" or 0, which keeps it for ever, or lower EVENT_RETENTION.",
				"AUDIT_RETENTION, as `inorder migrate` has written it: %s", problem.Text)}, nil
		}
	}
	if kept == 0 {
		return []Finding{Well("audit", "it is kept for ever")}, nil
	}
	return []Finding{Well("audit", "it is kept for %s", retention.Short(kept))}, nil
}
