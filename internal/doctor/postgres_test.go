package doctor

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const patient = time.Minute

// named returns the findings of a check.
func named(found []Finding, check string) (of []Finding) {
	for _, f := range found {
		if f.Check == check {
			of = append(of, f)
		}
	}
	return of
}

func examined(t *testing.T, url string) []Finding {
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	found := Postgres{Pool: pool, Within: patient}.Examine(t.Context())
	for _, f := range found {
		require.NotEmpty(t, f.Says, f.Check)
		if f.Status == Failed {
			require.NotEmpty(t, f.Do, f.Check)
		}
	}
	return found
}

func requireFinding(t *testing.T, found []Finding, check string, status Status, says string) {
	t.Helper()
	of := named(found, check)
	require.Len(t, of, 1, "%s in %v", check, found)
	require.Equal(t, status, of[0].Status, of[0].Says)
	require.Contains(t, of[0].Says, says)
}

func TestADatabaseThatIsWell(t *testing.T) {
	t.Parallel()
	found := examined(t, testenv.MigratedURL(t))
	for _, check := range []string{"database", "encoding", "schema", "indexes", "connections", "PostgreSQL's clock"} {
		requireFinding(t, found, check, OK, "")
	}
	requireFinding(t, found, "privileges", Note, "may change rows of the audit") // the tests' role is the tables' owner
	require.Len(t, named(found, "durability"), 1)
	require.Len(t, named(found, "disk"), 1)
}

func TestABrokenDatabase(t *testing.T) {
	t.Parallel()
	pool := testenv.Database(t)
	for _, sql := range []string{
		"DROP INDEX orders_updated_at",
		"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'audit_log_actor'::regclass",
		"ALTER TABLE audit_log DISABLE TRIGGER audit_log_is_append_only",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	found := Postgres{Pool: pool, Within: patient}.Examine(t.Context())
	indexes := named(found, "indexes")
	require.Len(t, indexes, 2)
	require.Contains(t, indexes[0].Says, "missing: orders_updated_at")
	require.Contains(t, indexes[1].Says, "invalid, so that no statement uses them: audit_log_actor")
	requireFinding(t, found, "privileges", Failed, "is disabled")
}

func TestASchemaThatIsNotThere(t *testing.T) {
	t.Parallel()
	found := examined(t, testenv.DatabaseURL(t))
	requireFinding(t, found, "schema", Failed, "it has version 0")
	requireFinding(t, found, "indexes", Note, "not checked: see schema")
	requireFinding(t, found, "privileges", Note, "not checked: see schema")
}

func TestAnEncodingThatIsWrong(t *testing.T) {
	t.Parallel()
	found := examined(t, testenv.DatabaseURL(t, "TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING", "'LATIN1'"))
	requireFinding(t, found, "encoding", Failed, "LATIN1")
	requireFinding(t, found, "database", OK, "")
}

func TestARoleThatMayTooLittle(t *testing.T) {
	t.Parallel()
	owner := testenv.MigratedURL(t)
	role := pgx.Identifier{"doctor_" + time.Now().Format("150405.000000000")}.Sanitize()
	pool := testenv.Pool(t, owner)
	exec := func(sql string) {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	exec("CREATE ROLE " + role + " LOGIN PASSWORD 'x'")
	t.Cleanup(func() {
		_, err := pool.Exec(context.Background(), "DROP OWNED BY "+role+"; DROP ROLE "+role)
		require.NoError(t, err)
	})
	exec("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO " + role)
	exec("REVOKE UPDATE, DELETE ON audit_log FROM " + role)
	exec("REVOKE UPDATE ON orders FROM " + role)
	as, err := url.Parse(owner)
	require.NoError(t, err)
	as.User = url.UserPassword(role[1:len(role)-1], "x")
	found := examined(t, as.String())
	requireFinding(t, found, "privileges", Failed, "the role lacks UPDATE on orders")
	exec("GRANT UPDATE ON orders TO " + role)
	requireFinding(t, examined(t, as.String()), "privileges", Failed, "the role lacks EXECUTE on purge_audit(integer)") // which a purge calls
	exec("GRANT EXECUTE ON FUNCTION purge_audit(integer) TO " + role)
	requireFinding(t, examined(t, as.String()), "privileges", OK, "can't change the audit")
	requireFinding(t, examined(t, as.String()), "disk", Note, "may not read data_directory")
}

func TestADatabaseThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	right, err := url.Parse(testenv.MigratedURL(t))
	require.NoError(t, err)
	for _, tc := range []struct {
		change     func(*url.URL)
		says, cure string
	}{
		{func(u *url.URL) { u.Host = "127.0.0.1:1" }, "cannot be reached", "host and port"},
		{func(u *url.URL) { u.Path = "/nowhere" }, "does not exist", "Create the database"},
	} {
		wrong := *right
		tc.change(&wrong)
		found := examined(t, wrong.String())
		requireFinding(t, found, "database", Failed, tc.says)
		require.Contains(t, named(found, "database")[0].Do, tc.cure)
		requireFinding(t, found, "disk", Note, "not checked: see database")
		requireFinding(t, found, "schema", Note, "not checked: see database")
	}
}
