package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/internal/loglimit"
	"inorder/internal/ready"
	"inorder/internal/retention"
	"inorder/migrations"
)

// Postgres checks the database that the programs use, as the role that they have.
type Postgres struct {
	Pool      *pgxpool.Pool
	Retention retention.Settings // of the programs; with the zero Settings nothing is checked against them
	Within    time.Duration      // that each check may take
}

// Examine runs all checks of PostgreSQL.
func (p Postgres) Examine(ctx context.Context) []Finding {
	found := Examine(ctx, p.Within, Check{"database", p.database}, Check{"durability", p.durability}, Check{"connections", p.connections}, Check{"disk", p.disk},
		Check{"PostgreSQL's clock", p.clock})
	if found[0].Status == Failed {
		return append(found, Noted("schema", "", "not checked: see database"))
	}
	return append(found, Examine(ctx, p.Within, Check{"schema", p.schema}, Check{"indexes", p.indexes}, Check{"privileges", p.privileges}, Check{"audit", p.audit})...)
}

func (p Postgres) name() string {
	c := p.Pool.Config().ConnConfig
	return "PostgreSQL at " + net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
}

const databaseSQL = `
SELECT current_setting('server_version'), current_setting('server_version_num')::int, current_database(), current_user::text, pg_is_in_recovery(),
	current_setting('default_transaction_read_only') = 'on'`

// oldest is the oldest version of PostgreSQL that the tests run on.
const oldest = 15

func (p Postgres) database(ctx context.Context) ([]Finding, error) {
	var version, database, role string
	var number int
	var standby, readOnly bool
	asked := time.Now()
	err := p.Pool.QueryRow(ctx, databaseSQL).Scan(&version, &number, &database, &role, &standby, &readOnly)
	took := time.Since(asked)
	switch {
	case err != nil:
		return []Finding{Fails("database", databaseCure(err), "%s", ready.Cause(p.name(), p.Within, err))}, nil
	case standby:
		return []Finding{Fails("database", "Name the primary in DATABASE_URL.", "%s is a standby: nothing can be written there", p.name())}, nil
	case readOnly:
		return []Finding{Fails("database", "ALTER DATABASE or ALTER ROLE … RESET default_transaction_read_only.", "transactions of %s are read-only", p.name())}, nil
	case number < oldest*10000:
		return []Finding{Noted("database", fmt.Sprintf("Use PostgreSQL %d or newer.", oldest), "%s has version %s, which no test covers", p.name(), version)}, nil
	}
	return []Finding{Well("database", "%s, version %s, database %q as %q, answered in %s", p.name(), version, database, role, took.Round(100*time.Microsecond))}, nil
}

// databaseCure returns what to do if the database can't be asked.
func databaseCure(err error) string {
	pg, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case !answered:
		return "Check that it runs, that DATABASE_URL has the right host and port, and that the network lets you reach it."
	case strings.HasPrefix(pg.Code, "28"):
		return "Check the role and the password in DATABASE_URL, and the server's pg_hba.conf."
	case pg.Code == "3D000":
		return "Create the database, in UTF8, or correct its name in DATABASE_URL."
	case pg.Code == "53300":
		return "Raise the server's max_connections, or lower pool_max_conns in DATABASE_URL; a pooler in front of it helps too."
	}
	return "The error comes from PostgreSQL itself: see its log."
}

func (p Postgres) schema(ctx context.Context) ([]Finding, error) {
	err := migrations.Check(ctx, p.Pool)
	if encoding, other := errors.AsType[*migrations.EncodingError](err); other {
		return []Finding{Fails("encoding", "An encoding can't be changed: create another database, in UTF8, and name it in DATABASE_URL.",
			"the database %q is in %s", encoding.Database, encoding.Encoding)}, nil
	}
	if older, is := errors.AsType[*migrations.OlderSchemaError](err); is {
		return []Finding{Well("encoding", "UTF8"),
			Fails("schema", "Run `inorder migrate`.", "it has version %d, and this program needs %d", older.Have, older.Want)}, nil
	}
	if err != nil {
		return nil, err
	}
	return []Finding{Well("encoding", "UTF8"), Well("schema", "it is what this program needs")}, nil
}

const indexesSQL = `
SELECT i.relname, x.indisvalid AND x.indisready FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
WHERE t.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('goose_db_version'))`

func (p Postgres) indexes(ctx context.Context) ([]Finding, error) {
	rows, err := p.Pool.Query(ctx, indexesSQL)
	if err != nil {
		return nil, err
	}
	var name string
	var valid bool
	there := map[string]bool{}
	if _, err := pgx.ForEachRow(rows, []any{&name, &valid}, func() error { there[name] = valid; return nil }); err != nil {
		return nil, err
	}
	var missing, broken []string
	want := migrations.Indexes()
	for _, index := range want {
		if valid, is := there[index]; !is {
			missing = append(missing, index)
		} else if !valid {
			broken = append(broken, index)
		}
	}
	var found []Finding
	if len(missing) > 0 {
		found = append(found, Fails("indexes", "Create them as the files in migrations/ do, with CONCURRENTLY: without them statements read whole tables.",
			"missing: %s", strings.Join(missing, ", ")))
	}
	if len(broken) > 0 {
		found = append(found, Fails("indexes", "REINDEX INDEX CONCURRENTLY each of them.", "invalid, so that no statement uses them: %s", strings.Join(broken, ", ")))
	}
	if found == nil {
		found = append(found, Well("indexes", "all %d exist and are valid", len(want)))
	}
	return found, nil
}

const durabilitySQL = `
SELECT name || ' is ' || setting FROM pg_settings WHERE setting = 'off' AND name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name`

func (p Postgres) durability(ctx context.Context) ([]Finding, error) {
	rows, err := p.Pool.Query(ctx, durabilitySQL)
	if err != nil {
		return nil, err
	}
	off, err := pgx.CollectRows(rows, pgx.RowTo[string])
	switch {
	case err != nil:
		return nil, err
	case len(off) > 0:
		return []Finding{Fails("durability", "Set them to on: the receiver answers 200 for what the inbox has, and the platform then does not send it again.",
			"PostgreSQL may lose what it has acknowledged when its machine fails: %s", strings.Join(off, ", "))}, nil
	}
	return []Finding{Well("durability", "what PostgreSQL acknowledges is on its disk")}, nil
}

const connectionsSQL = `
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int, (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')`

// besides is how many connections a process takes beside its pool.
const besides = 8

func (p Postgres) connections(ctx context.Context) ([]Finding, error) {
	var most, used int
	if err := p.Pool.QueryRow(ctx, connectionsSQL).Scan(&most, &used); err != nil {
		return nil, err
	}
	process := int(p.Pool.Config().MaxConns) + besides
	if most-used < process {
		return []Finding{Noted("connections", "Raise max_connections, lower pool_max_conns in DATABASE_URL, or put a pooler in front of it.",
			"%d of %d are taken, and one more process may need %d", used, most, process)}, nil
	}
	return []Finding{Well("connections", "%d of %d are taken; a process may need %d", used, most, process)}, nil
}

func (p Postgres) clock(ctx context.Context) ([]Finding, error) {
	var at time.Time
	asked := time.Now()
	if err := p.Pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&at); err != nil {
		return nil, err
	}
	return []Finding{Clock("PostgreSQL's clock", at, asked, time.Now())}, nil
}

func oneLine(err error) string { return loglimit.OneLine(err) }
