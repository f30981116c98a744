// Package migrations holds the database's schema: one SQL file per change, NNNN_verb_noun.sql, applied in order and
// never edited after it has landed.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed *.sql
var files embed.FS

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
	return fmt.Sprintf("the database %q is encoded in %s and must be in UTF8. An encoding can't be changed: create another database with "+
		"CREATE DATABASE inorder TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C', and name it in DATABASE_URL", e.Database, e.Encoding)
}

// Check returns an *OlderSchemaError when the database must be migrated first, an *EncodingError when another one is
// needed, and any other error when it could not be asked. It changes nothing.
func Check(ctx context.Context, pool *pgxpool.Pool) error {
	exists, err := hasSchema(ctx, pool)
	if err != nil {
		return err
	}
	provider, err := newProvider(stdlib.OpenDBFromPool(pool), files)
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

func newProvider(db *sql.DB, files fs.FS, options ...goose.ProviderOption) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectPostgres, db, withLockTimeout{files}, options...)
}
