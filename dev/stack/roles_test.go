package stack

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// TestRolesOfTheComposeFile runs deploy/postgres-roles.sql on a real server, as docker-compose.yml does on its server.
func TestRolesOfTheComposeFile(t *testing.T) {
	s := start(t, Options{})
	as := func(role, password, database, sql string) error {
		u, err := url.Parse(s.SuperuserURL)
		require.NoError(t, err)
		u.User, u.Path = url.UserPassword(role, password), database
		conn, err := pgx.Connect(t.Context(), u.String())
		if err != nil {
			return err
		}
		defer conn.Close(context.Background())
		_, err = conn.Exec(t.Context(), sql)
		return err
	}
	// An older version left the database like this: the role inorder owns everything.
	require.NoError(t, as("postgres", password(t, s.SuperuserURL), "inorder", `SET ROLE inorder; CREATE TABLE goose_db_version (id int); CREATE TABLE orders (id int)`))
	const own, extend = `CREATE TABLE IF NOT EXISTS t (id int)`, `CREATE EXTENSION IF NOT EXISTS btree_gin`
	for _, passwords := range [][3]string{{"first", "second", "third"}, {`p@ss/w#rd?%:'"\ $x`, "changed", `'"`}} { // the second run changes them
		psql := exec.Command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "../../deploy/postgres-roles.sql", s.SuperuserURL)
		psql.Env = append(os.Environ(), "INORDER_PASSWORD="+passwords[0], "TEMPORAL_PASSWORD="+passwords[1], "INORDER_OWNER_PASSWORD="+passwords[2])
		out, err := psql.CombinedOutput()
		require.NoError(t, err, string(out))

		require.NoError(t, as("inorder_owner", passwords[2], "inorder", own+`; ALTER TABLE orders ADD COLUMN IF NOT EXISTS more int`))
		require.NoError(t, as("inorder", passwords[0], "inorder", `INSERT INTO orders VALUES (1); DELETE FROM orders`), "an older version still works")
		for _, statement := range []string{own + `2`, `ALTER TABLE orders ADD COLUMN another int`, `DROP TABLE orders`, `SET ROLE inorder_owner`} {
			require.Error(t, as("inorder", passwords[0], "inorder", statement), statement)
		}
		require.NoError(t, as("temporal", passwords[1], "temporal", own+";"+extend))
		require.NoError(t, as("temporal", passwords[1], "temporal_visibility", own+";"+extend))
		require.ErrorContains(t, as("temporal", passwords[1], "inorder", own), "permission denied")
		require.ErrorContains(t, as("inorder", passwords[0], "temporal", own), "permission denied")
		require.ErrorContains(t, as("inorder_owner", passwords[2], "temporal", own), "permission denied")
		require.Equal(t, "false false false", query(t, s.SuperuserURL, `SELECT string_agg(rolsuper::text, ' ') FROM pg_roles WHERE rolname IN ('inorder', 'inorder_owner', 'temporal')`))
	}
}

func password(t *testing.T, databaseURL string) string {
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	password, _ := u.User.Password()
	return password
}

func TestTheApplicationsRoleIsNoSuperuser(t *testing.T) {
	s := start(t, Options{})
	const mine = `SELECT concat_ws(' ', rolname, rolsuper, rolcreatedb, rolcreaterole) FROM pg_roles WHERE rolname = current_user`
	require.Equal(t, "inorder f f f", query(t, s.DatabaseURL, mine))
	require.Equal(t, "postgres t t t", query(t, s.SuperuserURL, mine))
	log, err := os.ReadFile(s.Postgres.LogFile())
	require.NoError(t, err)
	require.NotContains(t, string(log), "PASSWORD")
}

// TestDataOfAnOlderVersionStillServe creates data as an older version did: with one role, inorder, a superuser.
func TestDataOfAnOlderVersionStillServe(t *testing.T) {
	dir := stateDir(t)
	root, err := Root()
	require.NoError(t, err)
	password, err := KeptSecret(filepath.Join(dir, "postgres.password"), "")
	require.NoError(t, err)
	old := &postgres{dir: dir, root: root, superuser: login{"inorder", password}}
	old.user, err = postgresAccount(filepath.Join(dir, "postgres"))
	require.NoError(t, err)
	old.home, err = old.user.home(dir)
	require.NoError(t, err)
	old.bin, err = old.find(t.Context())
	require.NoError(t, err)
	require.NoError(t, old.initdb())

	var out bytes.Buffer
	s := start(t, Options{Dir: dir, Out: &out})
	require.Equal(t, "inorder", query(t, s.DatabaseURL, `SELECT current_user`))
	require.Equal(t, s.DatabaseURL, s.SuperuserURL)
	require.Contains(t, out.String(), "make clean")
}
