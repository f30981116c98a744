package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// column returns one column of a statement's rows as an array, for unnest in the SELECT list. That costs little,
// while PostgreSQL materializes the rows of each unnest in FROM.
func column[R, T any](rows []R, value func(*R) T) pgtype.FlatArray[T] {
	values := make(pgtype.FlatArray[T], len(rows))
	for i := range rows {
		values[i] = value(&rows[i])
	}
	return values
}

type (
	text  = pgtype.Text
	stamp = pgtype.Timestamptz
)

// nullText is NULL for "".
func nullText(s string) text { return text{String: s, Valid: s != ""} }

// nullTime is NULL for the zero time.
func nullTime(t time.Time) stamp { return stamp{Time: t, Valid: !t.IsZero()} }

// list reads the rows of one query, in a transaction of its own.
func list[T any](ctx context.Context, s *Store, to pgx.RowToFunc[T], sql string, args ...any) (rows []T, err error) {
	b := &pgx.Batch{}
	b.Queue(sql, args...).Query(func(r pgx.Rows) error {
		rows, err = pgx.CollectRows(r, to)
		return err
	})
	return rows, s.read(ctx, b)
}

// scanOne reads the one row that a query returns; found is false if it returns none.
func (s *Store) scanOne(ctx context.Context, sql string, args []any, into ...any) (found bool, err error) {
	b := &pgx.Batch{}
	b.Queue(sql, args...).QueryRow(func(row pgx.Row) error {
		err := row.Scan(into...)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		found = err == nil
		return err
	})
	return found, s.read(ctx, b)
}

// EachRow returns a callback that scans every row of a query in a batch.
func EachRow(scan func(pgx.Row) error) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

func set(ids []string) map[string]bool {
	members := make(map[string]bool, len(ids))
	for _, id := range ids {
		members[id] = true
	}
	return members
}
