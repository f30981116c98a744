package testenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder/internal/config"
	"inorder/internal/sample"
	"inorder/migrations"
)

// DatabaseURL creates an empty database for one test and returns its URL. options are added to CREATE DATABASE.
func DatabaseURL(t testing.TB, options ...string) string {
	return create(t, " "+strings.Join(options, " "))
}

// MigratedURL creates a database with the newest schema for one test and returns its URL. All of them are copies of one
// template, so a random value that a migration writes is the same in each. A test that needs its own migrates an empty database.
func MigratedURL(t testing.TB) string {
	name, err := template()
	require.NoError(t, err)
	return create(t, " TEMPLATE "+name)
}

// ProgramRole is a role like that of inorder's programs in production: it owns nothing, and has what `inorder migrate --grant` grants.
const ProgramRole = "inorder_program"

// AsProgram returns the URL of a database from MigratedURL, but for ProgramRole, which does not own the tables.
func AsProgram(databaseURL string) string {
	u := parse(databaseURL)
	u.User = url.UserPassword(ProgramRole, ProgramRole) // a public password is fine: only this machine reaches the server
	return u.String()
}

// makeProgramRole creates ProgramRole if it is missing. The caller holds the template's lock.
func makeProgramRole(ctx context.Context, conn *pgx.Conn) error {
	var exists bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, ProgramRole).Scan(&exists)
	if err == nil && !exists {
		_, err = conn.Exec(ctx, `CREATE ROLE `+ProgramRole+` LOGIN PASSWORD '`+ProgramRole+`'`)
	}
	return err
}

// Database returns a pool on a new database with the newest schema, which only this test uses.
func Database(t testing.TB) *pgxpool.Pool { return Pool(t, MigratedURL(t)) }

// Pool returns a pool on the database, with the settings that every command uses. The pool is closed when the test ends. If a
// connection is still in use 20 seconds later, the test fails instead of hanging.
func Pool(t testing.TB, url string) *pgxpool.Pool {
	pool, err := connect(url)
	require.NoError(t, err)
	t.Cleanup(func() {
		if !closes(pool, 20*time.Second) {
			t.Error("the test has not released all its connections to PostgreSQL")
		}
	})
	return pool
}

// closes closes the pool and reports whether that finished within the time.
func closes(pool *pgxpool.Pool, within time.Duration) bool {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		pool.Close()
	}()
	select {
	case <-closed:
		return true
	case <-time.After(within):
		return false
	}
}

func connect(url string) (*pgxpool.Pool, error) {
	cfg, err := config.PoolConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = 16
	return pgxpool.NewWithConfig(context.Background(), cfg)
}

func create(t testing.TB, from string) string {
	require.NotEmpty(t, os.Getenv(DatabaseVariable), "the package's TestMain must call testenv.Main")
	pool, err := server()
	require.NoError(t, err)
	ctx, name := context.Background(), sample.NewID("test_")
	_, err = pool.Exec(ctx, `CREATE DATABASE `+name+from)
	require.NoError(t, err)
	t.Cleanup(func() {
		// PostgreSQL ends the sessions, and gives up if one of them is not gone after five seconds.
		require.Eventually(t, func() bool {
			_, err = pool.Exec(ctx, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)
			return err == nil
		}, Patience, 50*time.Millisecond, "the database can't be dropped")
	})
	return urlOf(name)
}

// server returns a pool on the database that the environment names. Other databases are created and dropped through it. It is
// never closed, just as the server's templates are never dropped.
var server = sync.OnceValues(func() (*pgxpool.Pool, error) { return connect(os.Getenv(DatabaseVariable)) })

// urlOf returns the URL of another database of the same server.
func urlOf(name string) string {
	u := parse(os.Getenv(DatabaseVariable))
	u.Path = "/" + name
	return u.String()
}

// WithParameter returns databaseURL with the parameter set to value.
func WithParameter(databaseURL, name, value string) string {
	u := parse(databaseURL)
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func parse(databaseURL string) *url.URL {
	u, err := url.Parse(databaseURL)
	if err != nil {
		panic("malformed database URL") // without err, which would show the password
	}
	return u
}

// template returns the name of a template database with the newest schema. Copying it takes a fraction of the time that the
// migrations take, and does not get slower as their number grows.
var template = sync.OnceValues(func() (string, error) {
	name := "inorder_" + schemaDigest()
	return name, ensureTemplate(context.Background(), name)
})

// schemaDigest returns a hash of all migrations' names and texts.
func schemaDigest() string {
	files := os.DirFS(filepath.Join(Root(), "migrations"))
	names, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		panic(err) // only a malformed pattern is an error
	}
	h := sha256.New()
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err)
		}
		h.Write([]byte(name + "\x00"))
		h.Write(append(text, 0))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// ensureTemplate creates the template if there is none. Each package's tests run in a process of their own: one of them
// creates it, the others wait.
func ensureTemplate(ctx context.Context, name string) error {
	pool, err := server()
	if err != nil {
		return err
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtext($1))`, name); err != nil {
		return err
	}
	defer conn.Exec(ctx, `SELECT pg_advisory_unlock(hashtext($1))`, name)
	var complete bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)`, name).Scan(&complete)
	if err != nil || complete {
		return err
	}
	return makeTemplate(ctx, conn.Conn(), name)
}

// makeTemplate creates the database and marks it as a template only when it is complete: a killed run leaves half a schema.
func makeTemplate(ctx context.Context, conn *pgx.Conn, name string) error {
	if err := makeProgramRole(ctx, conn); err != nil {
		return err
	}
	for _, sql := range []string{`DROP DATABASE IF EXISTS ` + name, `CREATE DATABASE ` + name} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := migrate(ctx, urlOf(name)); err != nil {
		return err
	}
	// PostgreSQL can't copy a database that has connections.
	_, err := conn.Exec(ctx, `ALTER DATABASE `+name+` WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`)
	return err
}

func migrate(ctx context.Context, url string) error {
	pool, err := connect(url)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := migrations.Apply(ctx, pool, Log); err != nil {
		return err
	}
	return migrations.Grant(ctx, pool, ProgramRole)
}
