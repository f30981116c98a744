package view

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"inorder/internal/api"
	"inorder/internal/store"
)

// Rows of the audit are numbered in the order in which they were written, so a page goes on after a number.
const (
	auditSQL = `
SELECT id, at, actor, action, event_id, order_id, bulk_id, via, reason, result, matches, place = @look FROM (
	SELECT id, at, actor, action, coalesce(event_id, '') AS event_id, coalesce(order_id, '') AS order_id, coalesce(bulk_id, '') AS bulk_id, via, reason, result,
		row_number() OVER () AS place, (@action::text = '' OR action = @action) AND (@actor::text = '' OR actor = @actor)
		AND (@order::text = '' OR order_id = @order) AS matches FROM (SELECT * FROM `
	auditNext = `id < @before ORDER BY `
	auditWalk = `id DESC LIMIT @look) AS walk ORDER BY `
	auditStop = `id DESC) AS a WHERE matches OR place = @look ORDER BY `
	auditEnd  = `id DESC LIMIT @limit`

	auditByNumberSQL = auditSQL + `audit_log WHERE ` + auditNext + auditWalk + auditStop + auditEnd
	auditByEventSQL  = auditSQL + `(SELECT * FROM audit_log WHERE event_id = @event OFFSET 0) AS of_event WHERE ` + auditNext + auditWalk + auditStop + auditEnd
	auditByOrderSQL  = auditSQL + `(SELECT * FROM audit_log WHERE order_id = @order OFFSET 0) AS of_order WHERE ` + auditNext + auditWalk + auditStop + auditEnd
	// A range that holds one actor, for the same reason as in endedByOutcomeSQL.
	auditByActorSQL = auditSQL + `audit_log WHERE actor >= @actor AND (actor, id) < (@actor, @before) AND ` + auditNext + `actor DESC, ` + auditWalk + `actor DESC, ` + auditStop + `actor DESC, ` + auditEnd
)

// Audit returns a page of the audit, newest first. Its error is ErrCursor for a malformed cursor.
func (v *View) Audit(ctx context.Context, q api.AuditQuery) (api.Page[api.AuditEntry], error) {
	page := api.Page[api.AuditEntry]{Data: []api.AuditEntry{}}
	before, err := parseNumber(q.Cursor)
	if err != nil || !storable(q.Actor+q.Action+q.EventID+q.OrderID) {
		return page, err
	}
	args := pgx.NamedArgs{"actor": q.Actor, "action": q.Action, "event": q.EventID, "order": q.OrderID, "before": before,
		"look": max(lookAt, q.Limit+1), "limit": q.Limit + 1}
	looked := int64(0)
	b := &pgx.Batch{}
	b.Queue(auditStatement(q), args).Query(store.EachRow(func(row pgx.Row) error {
		a, matches, last, err := scanAudit(row)
		if matches {
			page.Data = append(page.Data, a)
		}
		if last || len(page.Data) == q.Limit+1 {
			looked = a.ID
		}
		return err
	}))
	if err := v.batch(ctx, b); err != nil {
		return page, fmt.Errorf("list the audit: %w", err)
	}
	if len(page.Data) > q.Limit {
		page.Data = page.Data[:q.Limit]
		looked = page.Data[q.Limit-1].ID
	}
	if looked != 0 {
		page.NextCursor = numberCursor(looked)
	}
	return page, nil
}

func auditStatement(q api.AuditQuery) string {
	switch {
	case q.EventID != "":
		return auditByEventSQL
	case q.OrderID != "":
		return auditByOrderSQL
	case q.Actor != "":
		return auditByActorSQL
	}
	return auditByNumberSQL
}

func scanAudit(row pgx.Row) (a api.AuditEntry, matches, last bool, err error) {
	err = row.Scan(&a.ID, &a.At, &a.Actor, &a.Action, &a.EventID, &a.OrderID, &a.BulkID, &a.Via, &a.Reason, &a.Result, &matches, &last)
	a.At = a.At.UTC()
	return a, matches, last, err
}

func numberCursor(n int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(n, 10)))
}

// parseNumber reads a cursor of numberCursor; "" is a number after all others.
func parseNumber(cursor string) (int64, error) {
	if cursor == "" {
		return 1<<63 - 1, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	n, notANumber := strconv.ParseInt(string(text), 10, 64)
	if err != nil || notANumber != nil || n <= 0 || numberCursor(n) != cursor {
		return 0, ErrCursor
	}
	return n, nil
}
