// Package migrations holds the database's schema: one SQL file per change, NNNN_verb_noun.sql, applied in order and
// never edited after it has landed.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed *.sql
var files embed.FS

// Apply brings the database to the newest schema. It is idempotent; several at once wait for one another on a row of the
// table goose_lock, which holds behind a transaction pooler as well. Who dies with that lock is waited for half a minute.
// It returns an *EncodingError, and changes nothing, if the database is not in UTF-8.
func Apply(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	if _, err := hasSchema(ctx, pool); err != nil {
		return err
	}
	locker, err := lock.NewPostgresTableLocker(lock.WithTableLockTimeout(lockPause, uint64(lockWait/lockPause)), lock.WithTableRetryPolicy(passes))
	if err != nil {
		return err
	}
	// Not from the pool, which may have a single connection: the lock is renewed on one, while another migrates.
	provider, err := newProvider(stdlib.OpenDB(*pool.Config().ConnConfig), goose.WithLocker(locker))
	if err != nil {
		return err
	}
	defer provider.Close()
	for try := 1; ; try++ {
		applied, err := provider.Up(ctx)
		for _, m := range applied {
			log.Info("migration applied", "file", m.Source.Path, "took", m.Duration)
		}
		switch {
		case err == nil:
			return nil
		case try < deadlocks && isDeadlock(err):
			log.Warn("a migration and the programs that run waited for each other; it is tried again", "try", try)
		default:
			return fmt.Errorf("migrate the database: %w", err)
		}
	}
}

// deadlocks is how often a migration may lose against the transactions of programs that run meanwhile: it locks tables whole, and they lock
// tables in the order of their statements. Whoever loses has changed nothing.
const deadlocks = 20

func isDeadlock(err error) bool {
	pg, is := errors.AsType[*pgconn.PgError](err)
	return is && pg.Code == "40P01"
}

const (
	lockPause = 500 * time.Millisecond
	lockWait  = 5 * time.Minute
)

// passes reports whether waiting may cure why the lock was not had. What is forbidden or not there stays so.
func passes(err error) bool {
	var pg *pgconn.PgError
	return !errors.As(err, &pg) || !strings.HasPrefix(pg.Code, "42")
}

// OlderSchemaError says that the database lacks migrations that this program needs. A newer schema is no error:
// a migration is applied before the programs that need it, while older ones still run.
type OlderSchemaError struct{ Have, Want int64 }

func (e *OlderSchemaError) Error() string {
	return fmt.Sprintf("the database has schema version %d and this program needs %d: run `inorder migrate`", e.Have, e.Want)
}

// EncodingError says that the database can't hold every text: one in LATIN1 refuses most of them, and one in SQL_ASCII
// keeps bytes without knowing what they are.
type EncodingError struct{ Database, Encoding string }

func (e *EncodingError) Error() string {
	return fmt.Sprintf("the database %q is encoded in %s and must be in UTF8. An encoding can't be changed: make another one with "+
		"CREATE DATABASE inorder TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C', and name it in DATABASE_URL", e.Database, e.Encoding)
}

// Check returns an *OlderSchemaError when the database must be migrated first, an *EncodingError when another one is
// needed, and any other error when it could not be asked. It changes nothing.
func Check(ctx context.Context, pool *pgxpool.Pool) error {
	exists, err := hasSchema(ctx, pool)
	if err != nil {
		return err
	}
	provider, err := newProvider(stdlib.OpenDBFromPool(pool))
	if err != nil {
		return err
	}
	defer provider.Close()
	sources := provider.ListSources()
	want := sources[len(sources)-1].Version
	if !exists {
		return &OlderSchemaError{Have: 0, Want: want}
	}
	have, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if have < want {
		return &OlderSchemaError{Have: have, Want: want}
	}
	return nil
}

const lookSQL = `SELECT to_regclass($1) IS NOT NULL, current_database(), current_setting('server_encoding')`

// hasSchema reports whether the database has a schema. It returns an *EncodingError if it can't hold every text.
func hasSchema(ctx context.Context, pool *pgxpool.Pool) (exists bool, err error) {
	var encoding EncodingError
	if err := pool.QueryRow(ctx, lookSQL, goose.DefaultTablename).Scan(&exists, &encoding.Database, &encoding.Encoding); err != nil {
		return false, fmt.Errorf("read the schema's version: %w", err)
	}
	if encoding.Encoding != "UTF8" {
		return false, &encoding
	}
	return exists, nil
}

func newProvider(db *sql.DB, options ...goose.ProviderOption) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectPostgres, db, files, options...)
}
