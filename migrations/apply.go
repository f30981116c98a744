package migrations

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Apply brings the database to the newest schema. It is idempotent; several at once wait for one another on a row of the
// table goose_lock, which holds behind a transaction pooler as well. Who dies with that lock is waited for half a minute.
// Programs may run meanwhile: a migration that doesn't get a table from them in a second or two gives way, and is tried again for five minutes.
// It returns an *EncodingError, and changes nothing, if the database is not in UTF-8.
func Apply(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	return apply(ctx, pool, log, files, lockWait)
}

const (
	lockPause = 500 * time.Millisecond
	lockWait  = 5 * time.Minute
	mostPause = 10 * time.Second
)

// apply tries again for as long as most, from when the first migration gave way.
func apply(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, files fs.FS, most time.Duration) error {
	if _, err := hasSchema(ctx, pool); err != nil {
		return err
	}
	locker, err := lock.NewPostgresTableLocker(lock.WithTableLockTimeout(lockPause, uint64(lockWait/lockPause)), lock.WithTableRetryPolicy(passes))
	if err != nil {
		return err
	}
	// Not from the pool, which may have a single connection: the lock is renewed on one, while another migrates.
	provider, err := newProvider(stdlib.OpenDB(*pool.Config().ConnConfig), files, goose.WithLocker(locker))
	if err != nil {
		return err
	}
	defer provider.Close()
	var since time.Time // when the first one gave way
	for try := 1; ; try++ {
		err := up(ctx, provider, log)
		if err == nil {
			return nil
		}
		code := gaveWay(err)
		if code == "" {
			return fmt.Errorf("migrate the database: %w", err)
		}
		if since.IsZero() {
			since = time.Now()
		}
		if time.Since(since) >= most {
			return fmt.Errorf("migrate the database: for %s other transactions held a lock that a migration needs; "+
				"pg_stat_activity, ordered by xact_start, shows those that have been open longest: %w", most, err)
		}
		pause := min(time.Duration(try)*time.Second, mostPause)
		log.Warn("another transaction holds a lock that a migration needs; the migration gave way and is tried again", "try", try, "code", code, "in", pause)
		if err := sleep(ctx, pause); err != nil {
			return fmt.Errorf("migrate the database: %w", err)
		}
	}
}

func up(ctx context.Context, provider *goose.Provider, log *slog.Logger) error {
	applied, err := provider.Up(ctx)
	if partial, is := errors.AsType[*goose.PartialError](err); is {
		applied = partial.Applied
	}
	for _, m := range applied {
		log.Info("migration applied", "file", m.Source.Path, "took", m.Duration)
	}
	return err
}

// gaveWay returns the SQLSTATE if a migration lost against a transaction of a program that runs, and thereby changed nothing. They lock tables in the order
// of their statements, a migration locks them in its own, and whole: 40P01 is a deadlock, 55P03 the end of lock_timeout.
func gaveWay(err error) string {
	pg, is := errors.AsType[*pgconn.PgError](err)
	if is && (pg.Code == "40P01" || pg.Code == "55P03") {
		return pg.Code
	}
	return ""
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// passes reports whether waiting may cure why the lock was not had. What is forbidden or not there stays so.
func passes(err error) bool {
	var pg *pgconn.PgError
	return !errors.As(err, &pg) || !strings.HasPrefix(pg.Code, "42")
}
