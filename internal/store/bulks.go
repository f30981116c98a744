package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"inorder/internal/words"
)

// Bulk is a row of bulks.
type Bulk struct {
	ID, Name, Action string
	Filter           json.RawMessage
	Reason, Actor    string
	Rate, Total      int
	CreatedAt        time.Time
	EndedAt          *time.Time
	Ending           string // done or stopped; "" while it goes on
	Begun            bool   // its workflow has begun to act
	Done, Failed     int    // failed events count as done, too; both are 0 in what Freeze returns
}

const (
	bulkColumns = `id, name, action, filter, reason, actor, rate, total, created_at, ended_at, coalesce(ending, '') AS ending,
	EXISTS (SELECT FROM audit_log a WHERE a.act_id = bulks.id) AS begun`

	selectBulkSQL = `SELECT ` + bulkColumns + `, 0 AS done, 0 AS failed FROM bulks WHERE id = $1`

	// Open rows and failed rows have an index each.
	selectBulkProgressSQL = `
SELECT ` + bulkColumns + `, total - (SELECT count(*) FROM bulk_events WHERE bulk_id = bulks.id AND done_at IS NULL)::integer AS done,
       (SELECT count(*) FROM bulk_events WHERE bulk_id = bulks.id AND failed)::integer AS failed
FROM bulks WHERE id = $1`

	insertBulkSQL = `
INSERT INTO bulks (id, name, action, filter, reason, actor, rate, total) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

	lockBulkSQL = `SELECT FROM bulks WHERE id = $1 FOR UPDATE`

	deleteUnbegunSQL = `DELETE FROM bulks WHERE id = $1 AND NOT EXISTS (SELECT FROM audit_log WHERE act_id = $1)`
)

// Freeze writes a bulk with the events that pick chooses from a selection. They keep their order, and are fixed from then on.
// pick gets the selected events, at most limit, and the time by PostgreSQL's clock; it returns what the bulk says of itself, and
// the IDs. Its error is returned as it is, and nothing is written.
//
// A bulk that exists under this ID stays as it is and is returned, with existed set. Concurrent calls with one ID write one bulk.
func (s *Store) Freeze(ctx context.Context, id string, sel Selection, limit int, pick func([]Selected, time.Time) (Bulk, []string, error)) (b Bulk, existed bool, err error) {
	for range 3 {
		b, existed, err = s.freeze(ctx, id, sel, limit, pick)
		if pg := (*pgconn.PgError)(nil); !errors.As(err, &pg) || pg.Code != "23505" && pg.Code != "40001" {
			break
		} // a concurrent call has just written it
	}
	return b, existed, err
}

func (s *Store) freeze(ctx context.Context, id string, sel Selection, limit int, pick func([]Selected, time.Time) (Bulk, []string, error)) (b Bulk, existed bool, err error) {
	err = s.inBulk(ctx, func(tx pgx.Tx) error {
		if b, existed, err = selectBulk(ctx, tx, selectBulkSQL, id); err != nil || existed {
			return err
		}
		events, at, err := sel.read(ctx, tx, limit)
		if err != nil {
			return err
		}
		var ids []string
		if b, ids, err = pick(events, at); err != nil || len(ids) == 0 {
			return err
		}
		b.ID, b.Total, b.CreatedAt = id, len(ids), at
		if _, err := tx.Exec(ctx, insertBulkSQL, b.ID, b.Name, b.Action, b.Filter, b.Reason, b.Actor, b.Rate, b.Total); err != nil {
			return err
		}
		_, err = tx.CopyFrom(ctx, pgx.Identifier{"bulk_events"}, []string{"bulk_id", "place", "event_id"},
			pgx.CopyFromSlice(len(ids), func(i int) ([]any, error) { return []any{id, int32(i + 1), ids[i]}, nil }))
		return err
	})
	return b, existed, err
}

func selectBulk(ctx context.Context, tx pgx.Tx, sql, id string) (b Bulk, found bool, err error) {
	rows, err := tx.Query(ctx, sql, id)
	if err != nil {
		return Bulk{}, false, err
	}
	b, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Bulk])
	if errors.Is(err, pgx.ErrNoRows) {
		return Bulk{}, false, nil
	}
	return b, err == nil, err
}

// Bulk returns a bulk with how many of its events are done.
func (s *Store) Bulk(ctx context.Context, id string) (b Bulk, found bool, err error) {
	err = s.inTransaction(ctx, func(tx pgx.Tx) error {
		b, found, err = selectBulk(ctx, tx, selectBulkProgressSQL, id)
		return err
	})
	if err != nil {
		err = fmt.Errorf("read bulk %s: %w", id, err)
	}
	return b, found, err
}

// BeginBulk records in the audit, once, that a bulk begins to act, and returns the bulk; found is false if the bulk was taken back.
func (s *Store) BeginBulk(ctx context.Context, id string) (b Bulk, found bool, err error) {
	err = s.inTransaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockBulkSQL, id); err != nil {
			return err
		}
		b, found, err = selectBulk(ctx, tx, selectBulkProgressSQL, id)
		if err != nil || !found || b.Begun || b.Ending != "" {
			return err
		}
		b.Begun = true
		act := Act{ID: id, Actor: b.Actor, Action: ActBulk, Reason: b.Reason, BulkID: id, Via: ViaAPI, Result: fmt.Sprintf("%s %s", b.Action, words.Count(b.Total, "event"))}
		_, err = tx.Exec(ctx, insertAuditSQL, act.row()...)
		return err
	})
	if err != nil {
		err = fmt.Errorf("begin bulk %s: %w", id, err)
	}
	return b, found, err
}

// TakeBack removes a bulk that has not begun to act, and reports whether it did.
func (s *Store) TakeBack(ctx context.Context, id string) (gone bool, err error) {
	err = s.inTransaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockBulkSQL, id); err != nil { // so that what follows sees whether it began
			return err
		}
		tag, err := tx.Exec(ctx, deleteUnbegunSQL, id)
		gone = tag.RowsAffected() > 0
		return err
	})
	return gone, err
}
