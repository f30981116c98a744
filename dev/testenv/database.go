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

// DatabaseURL creates an empty database for one test, with the options of CREATE DATABASE, and returns its URL.
func DatabaseURL(t testing.TB, options ...string) string {
	return create(t, " "+strings.Join(options, " "))
}

// MigratedURL creates a database with the newest schema for one test and returns its URL. It is a copy of a template, so
// what a migration writes, like a random value, is the same in all of them: a test that needs it to differ migrates an empty one.
func MigratedURL(t testing.TB) string {
	name, err := template()
	require.NoError(t, err)
	return create(t, " TEMPLATE "+name)
}

// ProgramRole is a role as inorder's programs have it in production: it owns nothing, and has what `inorder migrate --grant` gives it.
const ProgramRole = "inorder_program"

// AsProgram returns the URL of a database that MigratedURL made, for a program: its role is not the tables' owner.
func AsProgram(databaseURL string) string {
	u := parse(databaseURL)
	u.User = url.UserPassword(ProgramRole, ProgramRole) // on a throw-away server, which only this machine reaches
	return u.String()
}

// makeProgramRole makes the role if it isn't there. Its caller has the lock of the template.
func makeProgramRole(ctx context.Context, conn *pgx.Conn) error {
	var exists bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, ProgramRole).Scan(&exists)
	if err == nil && !exists {
		_, err = conn.Exec(ctx, `CREATE ROLE `+ProgramRole+` LOGIN PASSWORD '`+ProgramRole+`'`)
	}
	return err
}

// Database returns a pool on a database of one test's own, with the newest schema.
func Database(t testing.TB) *pgxpool.Pool { return Pool(t, MigratedURL(t)) }

// Pool returns a pool on the database, set up as every command does it. It is closed when the test ends. A test that failed between
// taking a connection and giving it back ends all the same.
func Pool(t testing.TB, url string) *pgxpool.Pool {
	pool, err := connect(url)
	require.NoError(t, err)
	t.Cleanup(func() {
		if !closes(pool, 20*time.Second) {
			t.Error("the test has not given back all connections to PostgreSQL")
		}
	})
	return pool
}

// closes closes the pool, and reports whether that ended within a time.
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
		_, err := pool.Exec(ctx, `DROP DATABASE `+name+` WITH (FORCE)`)
		require.NoError(t, err)
	})
	return urlOf(name)
}

// server is on the database that the environment names, from which others are created and dropped. Like the server's
// templates it stays until the process, or the server, ends.
var server = sync.OnceValues(func() (*pgxpool.Pool, error) { return connect(os.Getenv(DatabaseVariable)) })

// urlOf returns the URL of another database of the server.
func urlOf(name string) string {
	u := parse(os.Getenv(DatabaseVariable))
	u.Path = "/" + name
	return u.String()
}

// WithParameter returns the URL of a database with one more parameter.
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
		panic("a malformed URL of a database") // the parser's error shows the password
	}
	return u
}

// template is the name of a database to copy, which has the newest schema. A copy takes a fraction of what the migrations
// take, and that doesn't grow with their number.
var template = sync.OnceValues(func() (string, error) {
	name := "inorder_" + schemaDigest()
	return name, ensureTemplate(context.Background(), name)
})

// schemaDigest is another one when any migration's name or text is.
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

// ensureTemplate makes the template if there is none. The packages' tests are processes of their own: one makes it, the
// others wait.
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

// makeTemplate marks the database as a template when it is complete: one that was killed meanwhile leaves half a schema.
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
	// Nobody can be connected to a database that is copied.
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
