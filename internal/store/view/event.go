package view

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/store"
)

const (
	oneEndedSQL = `
SELECT type, coalesce(order_id, ''), coalesce(store_id, ` + storeOf + `, ''), outcome, detail, via, occurred_at, coalesce(received_at, processed_at), processed_at, payload,
       payload_removed_at
FROM webhook_events WHERE event_id = @event`

	// The body is as it was received. Rows of older versions have none; the body of an event in attention may not be JSON at all.
	oneParkedSQL = `
SELECT type, coalesce(order_id, ''), coalesce(` + storeOf + `, ''), phase, ` + parkedDetail + `, occurred_at, received_at, seen_at, coalesce(workflow_id, event_id),
       coalesce(body, convert_to(payload::text, 'UTF8'))
FROM pending_events WHERE event_id = @event`

	oneReceivedSQL = `SELECT coalesce(order_id, ''), body, received_at, not_before, attempts, reason FROM event_inbox WHERE event_id = @event`

	// What people did to the event, the last 200 acts.
	actsSQL = `SELECT at, action, actor, reason, result FROM audit_log WHERE event_id = @event ORDER BY id DESC LIMIT 200`
)

// Event returns what PostgreSQL has of an event: where it stands, why, its payload, and, in its timeline, what people did to it.
// found is false if it is in no table; its timeline may have acts even then. The caller adds actions and what Temporal knows.
func (v *View) Event(ctx context.Context, id string) (e api.EventView, found bool, err error) {
	e.EventID, e.Actions, e.Timeline = id, []api.Action{}, []api.Moment{}
	if !storable(id) {
		return e, false, nil
	}
	now, args, b := time.Now(), pgx.NamedArgs{"event": id}, &pgx.Batch{}
	// The source that counts most comes last, and replaces what the others found.
	for _, from := range []struct {
		sql  string
		scan func(pgx.Row, *api.EventView) error
	}{{oneReceivedSQL, scanReceived}, {oneParkedSQL, scanParked}, {oneEndedSQL, scanEnded}} {
		b.Queue(from.sql, args).Query(store.EachRow(func(row pgx.Row) error {
			e, found = api.EventView{Event: api.Event{EventID: id}, Actions: []api.Action{}, Timeline: []api.Moment{}}, true
			err := from.scan(row, &e)
			e.Event = inUTC(e.Event, now)
			return err
		}))
	}
	b.Queue(actsSQL, args).Query(store.EachRow(func(row pgx.Row) error {
		m, err := scanAct(row)
		e.Timeline = append(e.Timeline, m)
		return err
	}))
	if err := v.batch(ctx, b); err != nil {
		return e, false, fmt.Errorf("read event %s: %w", id, err)
	}
	if found {
		e.Timeline = append(e.Timeline, api.Moment{At: e.ReceivedAt, What: "received"})
	}
	SortTimeline(e.Timeline)
	return e, found, nil
}

// SortTimeline sorts by time. The receipt comes first, whatever the clocks say; at the same time the end comes last.
func SortTimeline(timeline []api.Moment) {
	place := map[string]int{"received": -1, "ended": 1}
	slices.SortStableFunc(timeline, func(a, b api.Moment) int {
		return cmp.Or(cmp.Compare(min(place[a.What], 0), min(place[b.What], 0)), a.At.Compare(b.At), cmp.Compare(place[a.What], place[b.What]))
	})
}

func scanEnded(row pgx.Row, e *api.EventView) error {
	err := row.Scan(&e.Type, &e.OrderID, &e.StoreID, &e.Outcome, &e.Detail, &e.Via, &e.OccurredAt, &e.ReceivedAt, &e.ProcessedAt, &e.Payload, &e.PayloadRemovedAt)
	if err != nil {
		return err
	}
	e.State, e.Reason, e.PayloadRemovedAt = api.StateEnded, endedBecause(e.Event), utc(e.PayloadRemovedAt)
	e.Timeline = append(e.Timeline, api.Moment{At: e.ProcessedAt.UTC(), What: "ended", Text: joined(": ", e.Outcome, e.Detail)})
	if e.Via == "workflow" {
		e.WorkflowID = e.EventID
	}
	return nil
}

func endedBecause(e api.Event) string {
	why := map[string]string{
		string(inorder.Applied):   "it changed its order",
		string(inorder.Stale):     "nothing that it says was newer than what was already known",
		string(inorder.Ignored):   "it says nothing that the orders table keeps",
		string(inorder.Discarded): "it was given up by a person",
		string(inorder.Expired):   "its order never came",
	}
	if e.Detail == why[e.Outcome] { // of an ignored event the detail says the same
		return e.Detail
	}
	return joined(": ", why[e.Outcome], e.Detail)
}

func scanParked(row pgx.Row, e *api.EventView) error {
	var seen time.Time
	var body []byte
	err := row.Scan(&e.Type, &e.OrderID, &e.StoreID, &e.State, &e.Detail, &e.OccurredAt, &e.ReceivedAt, &seen, &e.WorkflowID, &body)
	if err != nil {
		return err
	}
	e.Payload = JSON(body)
	switch e.State {
	case api.StateAttention:
		e.Reason = "it can't be applied as it is, and stays until a person decides: " + e.Detail
	case api.StateStuck:
		e.Reason = fmt.Sprintf("its order %s does not exist yet, and has been missing for longer than STUCK_AFTER; the event continues by itself when the order is created", e.OrderID)
	default:
		e.Reason = fmt.Sprintf("its order %s does not exist yet; the event continues by itself when the order is created", e.OrderID)
	}
	e.Timeline = append(e.Timeline, api.Moment{At: seen.UTC(), What: string(e.State), Text: "last tried: " + e.Detail})
	return nil
}

func scanReceived(row pgx.Row, e *api.EventView) error {
	var body []byte
	var next time.Time
	err := row.Scan(&e.OrderID, &body, &e.ReceivedAt, &next, &e.Attempts, &e.Detail)
	if err != nil {
		return err
	}
	next = next.UTC()
	e.State, e.Payload, e.NextAttempt = api.StateInbox, JSON(body), &next
	e.Type, e.StoreID, e.OccurredAt = readBody(body)
	e.Reason = "it is in the inbox, because Temporal was slow or unavailable; it will be applied by itself"
	if e.Detail != "" {
		e.Reason = "it is in the inbox, and will be retried by itself: " + e.Detail
	}
	return nil
}

// JSON returns the body if it is JSON, else null.
func JSON(body []byte) json.RawMessage {
	if !json.Valid(body) {
		return json.RawMessage("null")
	}
	return body
}

func scanAct(row pgx.Row) (m api.Moment, err error) {
	var reason, result string
	err = row.Scan(&m.At, &m.What, &m.By, &reason, &result)
	m.At, m.Text = m.At.UTC(), joined("; ", reason, result)
	return m, err
}

// joined joins the texts that are not empty.
func joined(by string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), by)
}

const recordedSQL = `
SELECT event_id FROM unnest(@events::text[]) AS e (event_id)
WHERE EXISTS (SELECT FROM webhook_events w WHERE w.event_id = e.event_id) OR EXISTS (SELECT FROM pending_events p WHERE p.event_id = e.event_id)
   OR EXISTS (SELECT FROM event_inbox i WHERE i.event_id = e.event_id)`

// Recorded returns those of the events that are in any table. The IDs must be valid IDs of events.
func (v *View) Recorded(ctx context.Context, events []string) (map[string]bool, error) {
	recorded := map[string]bool{}
	if len(events) == 0 {
		return recorded, nil
	}
	b := &pgx.Batch{}
	b.Queue(recordedSQL, pgx.NamedArgs{"events": events}).Query(store.EachRow(func(row pgx.Row) error {
		var id string
		err := row.Scan(&id)
		recorded[id] = true
		return err
	}))
	return recorded, v.batch(ctx, b)
}
