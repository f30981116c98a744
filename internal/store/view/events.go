package view

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/store"
)

// How many rows of one table a page looks at, to find those that a filter selects.
const (
	lookAt      = 5_000
	lookInto    = 1_000 // where the payload must be read
	lookIntoBox = 1_000 // where the body must be parsed

	boxBytes = 8 << 20 // of the bodies of the inbox that one page reads; one body is always read
)

// Events returns a page of the events that the filter selects, newest receipt first: those that have ended, those
// that are parked and those in the inbox. An event that is in several tables is returned once, from the one that
// counts. Events that are being applied are in no table, and missing. The error is ErrCursor for a malformed cursor.
func (v *View) Events(ctx context.Context, f api.Filter, cursor string, limit int) (api.Page[api.Event], error) {
	after, err := ParseCursor(cursor)
	if err != nil {
		return api.Page[api.Event]{}, err
	}
	found, err := v.Find(ctx, f, after, limit)
	if err != nil {
		return api.Page[api.Event]{}, fmt.Errorf("list events: %w", err)
	}
	return Merge(limit, found...), nil
}

// Find returns what each table has of a page of Events, for the caller to merge with what other sources have.
func (v *View) Find(ctx context.Context, f api.Filter, after Position, limit int) ([]Found, error) {
	if !storable(f.Outcome + f.Type + f.OrderID + f.StoreID + f.Via) {
		return nil, nil
	}
	var found []*Found
	b := &pgx.Batch{}
	args := listArgs(f, after, limit)
	if f.State == "" || f.State == api.StateEnded {
		found = append(found, queueWalk(b, endedStatement(f), args))
	}
	unended := f.Outcome == "" && f.Via == ""
	for _, phase := range []api.State{api.StateWaiting, api.StateStuck, api.StateAttention} {
		if unended && (f.State == "" || f.State == phase) {
			found = append(found, queueWalk(b, parkedStatement(f), with(args, "phase", string(phase))))
		}
	}
	if unended && (f.State == "" || f.State == api.StateInbox) {
		found = append(found, queueInbox(b, f, args, limit))
	}
	if len(found) == 0 {
		return nil, nil
	}
	if err := v.batch(ctx, b); err != nil {
		return nil, err
	}
	all := make([]Found, len(found))
	for i, f := range found {
		all[i] = *f
	}
	return all, nil
}

func listArgs(f api.Filter, after Position, limit int) pgx.NamedArgs {
	args := between(after, orZero(f.ReceivedAfter), orZero(f.ReceivedBefore))
	args["type"], args["order"], args["store"], args["outcome"], args["via"] = f.Type, f.OrderID, f.StoreID, f.Outcome, f.Via
	look := lookAt
	if f.StoreID != "" {
		look = lookInto
	}
	args["look"], args["limit"], args["bytes"] = max(look, limit+1), limit+1, boxBytes
	return args
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func with(args pgx.NamedArgs, name string, value any) pgx.NamedArgs {
	more := pgx.NamedArgs{name: value}
	for k, v := range args {
		if k != name {
			more[k] = v
		}
	}
	return more
}

func endedStatement(f api.Filter) string {
	switch {
	case f.OrderID != "":
		return endedByOrderSQL
	case f.Outcome != "" && f.Outcome != string(inorder.Applied): // most are, and have no index of their own
		return endedByOutcomeSQL
	}
	return endedByTimeSQL
}

func parkedStatement(f api.Filter) string {
	if f.OrderID != "" {
		return parkedByOrderSQL
	}
	return parkedByPhaseSQL
}

// queueWalk reads rows of webhook_events or pending_events.
func queueWalk(b *pgx.Batch, sql string, args pgx.NamedArgs) *Found {
	found, now := &Found{}, time.Now()
	b.Queue(sql, args).Query(store.EachRow(func(row pgx.Row) error {
		e, matches, last, err := scanEvent(row, now)
		if matches {
			found.Events = append(found.Events, e)
		}
		if last || len(found.Events) == args["limit"] {
			found.Looked = positionOf(e)
		}
		return err
	}))
	return found
}

// scanEvent also returns whether the filter selects the event, and whether it is the last row that the statement looks at.
func scanEvent(row pgx.Row, now time.Time) (e api.Event, matches, last bool, err error) {
	err = row.Scan(&e.EventID, &e.Type, &e.OrderID, &e.StoreID, &e.State, &e.Outcome, &e.Detail, &e.Via, &e.OccurredAt, &e.ReceivedAt, &e.ProcessedAt, &matches, &last)
	return inUTC(e, now), matches, last, err
}

// queueInbox reads rows of event_inbox and their bodies.
func queueInbox(b *pgx.Batch, f api.Filter, args pgx.NamedArgs, limit int) *Found {
	sql, look := inboxByTimeSQL, limit+1
	if f.OrderID != "" {
		sql = inboxByOrderSQL
	}
	if f.Type != "" || f.StoreID != "" {
		look = max(look, lookIntoBox)
	}
	found, now, read, full := &Found{}, time.Now(), 0, false
	b.Queue(sql, with(args, "look", look)).Query(func(rows pgx.Rows) error {
		err := store.EachRow(func(row pgx.Row) error {
			e, body, matches, err := scanInbox(row)
			if full = full || body == nil; err != nil || full {
				return err
			}
			e = inUTC(e, now)
			if matches && (f.Type == "" || f.Type == e.Type) && (f.StoreID == "" || f.StoreID == e.StoreID) {
				found.Events = append(found.Events, e)
			}
			read++
			found.Looked = positionOf(e)
			return nil
		})(rows)
		if read < look && !full {
			found.Looked = Position{}
		}
		return err
	})
	return found
}

// scanInbox returns a nil body for a row that came without one.
func scanInbox(row pgx.Row) (e api.Event, body []byte, matches bool, err error) {
	var notBefore time.Time
	err = row.Scan(&e.EventID, &body, &e.Detail, &e.ReceivedAt, &notBefore, &e.OrderID, &matches)
	e.State = api.StateInbox
	e.Type, e.StoreID, e.OccurredAt = readBody(body)
	return e, body, matches, err
}

// readBody reads an event of the inbox as the receiver did.
func readBody(body []byte) (eventType, storeID string, occurredAt *time.Time) {
	e, err := inorder.ParseEvent(body)
	if err != nil || e.OccurredAt.IsZero() {
		return e.Type, e.StoreID, nil
	}
	return e.Type, e.StoreID, &e.OccurredAt
}

// inUTC returns the event with its times in UTC and, if it has not ended, its age.
func inUTC(e api.Event, now time.Time) api.Event {
	e.ReceivedAt, e.OccurredAt, e.ProcessedAt = e.ReceivedAt.UTC(), utc(e.OccurredAt), utc(e.ProcessedAt)
	if e.State != api.StateEnded {
		e.AgeSeconds = age(e.ReceivedAt, now)
	}
	return e
}

// age returns seconds; 0 for a time in the future.
func age(since, now time.Time) float64 { return max(0, now.Sub(since).Seconds()) }
