package doctor

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"inorder/internal/retention"
	"inorder/migrations"
)

// What each role needs is what `inorder migrate --grant` gives.
const privilegesSQL = `
SELECT c.relname::text, string_agg(p.privilege, ', ' ORDER BY p.privilege)
FROM pg_class c JOIN pg_class g ON g.oid = to_regclass('goose_db_version') AND g.relnamespace = c.relnamespace AND g.relowner = c.relowner
CROSS JOIN unnest(CASE
	WHEN c.relname IN ('goose_db_version', 'goose_lock') OR c.relkind IN ('v', 'm') THEN '{SELECT}'
	WHEN c.relname = 'audit_log' THEN '{SELECT,INSERT}'
	ELSE '{SELECT,INSERT,UPDATE,DELETE}'::text[] END) AS p (privilege)
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND NOT has_table_privilege(c.oid, p.privilege)
GROUP BY c.relname
UNION ALL
SELECT p.oid::regprocedure::text, 'EXECUTE'
FROM pg_proc p JOIN pg_class g ON g.oid = to_regclass('goose_db_version') AND g.relnamespace = p.pronamespace AND g.relowner = p.proowner
WHERE NOT has_function_privilege(p.oid, 'EXECUTE')
ORDER BY 1`

// Two triggers keep audit_log append-only: one against changes, and one against deleting what AUDIT_RETENTION keeps.
const auditSQL = `
SELECT pg_has_role(c.relowner, 'MEMBER') OR has_table_privilege(c.oid, 'UPDATE') OR has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE'),
	ARRAY(SELECT guard FROM unnest('{audit_log_is_append_only,audit_log_keeps_its_rows}'::text[]) AS g (guard)
		WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgname = guard AND tgenabled IN ('O', 'A')))
FROM pg_class c WHERE c.oid = to_regclass('audit_log')`

func (p Postgres) privileges(ctx context.Context) ([]Finding, error) {
	rows, err := p.Pool.Query(ctx, privilegesSQL)
	if err != nil {
		return nil, err
	}
	lacking, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (text string, err error) {
		var table, privileges string
		err = row.Scan(&table, &privileges)
		return privileges + " on " + table, err
	})
	if err != nil {
		return nil, err
	}
	var found []Finding
	if len(lacking) > 0 {
		found = append(found, Fails("privileges", "Run `inorder migrate --grant ROLE` with the URL of the tables' owner, and this role's name.",
			"the role lacks %s", strings.Join(lacking, "; ")))
	}
	var changes bool
	var unguarded []string
	err = p.Pool.QueryRow(ctx, auditSQL).Scan(&changes, &unguarded)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // an older schema, of which another check tells
	case err != nil:
		return found, err
	case len(unguarded) > 0:
		found = append(found, Fails("privileges", "ALTER TABLE audit_log ENABLE TRIGGER "+unguarded[0]+".",
			"a trigger that keeps audit_log append-only is gone or disabled: %s", strings.Join(unguarded, ", ")))
	case changes:
		found = append(found, Noted("privileges", "In production run as a role that owns nothing: `inorder migrate --grant ROLE`; see docs/settings.md.",
			"this role may change what the audit has, or owns it"))
	}
	if found == nil {
		found = append(found, Well("privileges", "the role has what the programs need, and can't change the audit"))
	}
	return found, nil
}

// audit compares how long the database keeps the audit, which the last `inorder migrate` wrote, with the settings of today: no program reads
// both.
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
