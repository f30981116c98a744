package migrations

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Grant gives a role what the programs need of the schema, and no more: of audit_log it may read and add rows. So that this holds
// the role may not be the owner of the tables, nor a member of it. It may run any number of times, and beside itself.
func Grant(ctx context.Context, pool *pgxpool.Pool, role string) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('inorder: grant'))`); err != nil {
			return err
		}
		if err := checkRole(ctx, tx, role); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, grantsSQL, role)
		if err != nil {
			return err
		}
		grants, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, grant := range grants {
			if err == nil {
				_, err = tx.Exec(ctx, grant)
			}
		}
		if err != nil {
			return err
		}
		return checkAudit(ctx, tx, role)
	})
	if err != nil {
		return fmt.Errorf("grant the role %q what the programs need: %w", role, err)
	}
	return nil
}

// neededSQL is what the programs' role needs: whatever has the owner of the schema's own table is ours.
const neededSQL = `ours AS (SELECT relowner, relnamespace FROM pg_class WHERE oid = to_regclass('goose_db_version')),
tables AS (
	SELECT c.oid::regclass AS relation, CASE
		WHEN c.relname IN ('goose_db_version', 'goose_lock') OR c.relkind IN ('v', 'm') THEN '{SELECT}'
		WHEN c.relname = 'audit_log' THEN '{SELECT,INSERT}'
		ELSE '{SELECT,INSERT,UPDATE,DELETE}'::text[] END AS privileges
	FROM pg_class c JOIN ours USING (relowner, relnamespace) WHERE c.relkind IN ('r', 'p', 'v', 'm')),
functions AS (
	SELECT p.oid::regprocedure AS function FROM pg_proc p JOIN ours ON relowner = proowner AND relnamespace = pronamespace)`

// grantsSQL makes the statements. A privilege that a role should no longer have goes, so each begins anew.
const grantsSQL = `
WITH ` + neededSQL + `
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), $1::text)
WHERE NOT has_database_privilege($1::text, current_database(), 'CONNECT')
UNION ALL
SELECT format('GRANT USAGE ON SCHEMA %s TO %I', relnamespace::regnamespace, $1::text) FROM ours
WHERE NOT has_schema_privilege($1::text, relnamespace, 'USAGE')
UNION ALL
SELECT format('REVOKE ALL ON %1$s FROM %2$I; GRANT %3$s ON %1$s TO %2$I', relation, $1::text, array_to_string(privileges, ', ')) FROM tables
UNION ALL
SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', function, $1::text) FROM functions`

// lackingSQL are the privileges of tables and functions that the role of the connection needs and does not have.
const lackingSQL = `
WITH ` + neededSQL + `
SELECT lacking || ' on ' || name FROM (
	SELECT relation::text AS name, string_agg(p.privilege, ', ' ORDER BY p.privilege) AS lacking
	FROM tables CROSS JOIN unnest(privileges) AS p (privilege) WHERE NOT has_table_privilege(relation, p.privilege) GROUP BY relation
	UNION ALL
	SELECT function::text, 'EXECUTE' FROM functions WHERE NOT has_function_privilege(function, 'EXECUTE')) AS all_lacking
ORDER BY name`

// Lacking returns which privileges the pool's role lacks of those that Grant gives, each such as "INSERT, SELECT on orders".
func Lacking(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	rows, err := pool.Query(ctx, lackingSQL)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

const roleSQL = `
SELECT relowner::regrole::text, pg_has_role($1::name, relowner, 'MEMBER') FROM pg_class WHERE oid = to_regclass('goose_db_version')`

func checkRole(ctx context.Context, tx pgx.Tx, role string) error {
	var owner string
	var member bool
	err := tx.QueryRow(ctx, roleSQL, role).Scan(&owner, &member)
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == "42704" {
		return fmt.Errorf("the role does not exist: create it with CREATE ROLE %s LOGIN PASSWORD '…'", pgx.Identifier{role}.Sanitize())
	}
	if err == nil && member {
		return fmt.Errorf("it owns the tables, is a member of their owner %s, or is a superuser, so nothing can be kept from it: "+
			"name the role that the programs run as, which must own nothing", owner)
	}
	return err
}

// checkAudit refuses a role that has by way of another one, or of everybody, what it should not have.
func checkAudit(ctx context.Context, tx pgx.Tx, role string) error {
	var changes bool
	if err := tx.QueryRow(ctx, `SELECT has_table_privilege($1::name, 'audit_log', 'UPDATE, DELETE, TRUNCATE, TRIGGER')`, role).Scan(&changes); err != nil {
		return err
	}
	if changes {
		return errors.New("it can still change audit_log, through a role that it is a member of or a privilege of PUBLIC: revoke that")
	}
	return nil
}
