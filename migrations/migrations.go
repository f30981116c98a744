// Package migrations holds the database's schema: one SQL file per change, NNNN_verb_noun.sql, applied in order and
// never edited after it has landed.
package migrations

import (
	"context"
	"embed"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed *.sql
var files embed.FS

// Apply brings the database to the newest schema. It is idempotent; several at once wait for one another on an
// advisory lock of the session, so the connection must be PostgreSQL's own and not a transaction pooler's.
func Apply(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	provider, err := newProvider(pool, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	defer provider.Close()
	applied, err := provider.Up(ctx)
	for _, m := range applied {
		log.Info("migration applied", "file", m.Source.Path, "took", m.Duration)
	}
	if err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// OlderSchemaError says that the database lacks migrations that this program needs. A newer schema is no error:
// a migration is applied before the programs that need it, while older ones still run.
type OlderSchemaError struct{ Have, Want int64 }

func (e *OlderSchemaError) Error() string {
	return fmt.Sprintf("the database has schema version %d and this program needs %d: run `inorder migrate`", e.Have, e.Want)
}

// Check returns an *OlderSchemaError when the database must be migrated first, and any other error when it could not
// be asked. It changes nothing.
func Check(ctx context.Context, pool *pgxpool.Pool) error {
	provider, err := newProvider(pool)
	if err != nil {
		return err
	}
	defer provider.Close()
	var exists bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, goose.DefaultTablename).Scan(&exists); err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
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

func newProvider(pool *pgxpool.Pool, options ...goose.ProviderOption) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectPostgres, stdlib.OpenDBFromPool(pool), files, options...)
}
