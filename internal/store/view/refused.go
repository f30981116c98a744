package view

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"inorder/internal/api"
	"inorder/internal/store"
)

const (
	refusedSQL = `
SELECT id, at, reason, status, evidence, client, network, causes, secret_name, secret_source, summary, advice, bytes, body_hash, content_type, content_encoding,
	user_agent, header_names, coalesce(event_id, ''), coalesce(type, ''), coalesce(order_id, '')
FROM refused_deliveries WHERE `
	refusedPage = `(at, id) < (@at, @id) AND at >= @since ORDER BY at DESC, id DESC LIMIT @limit`

	refusedByTimeSQL   = refusedSQL + refusedPage
	refusedByReasonSQL = refusedSQL + `reason = @reason AND ` + refusedPage
	refusedByIDSQL     = refusedSQL + `id = @id`
)

// Refusals returns a page of the samples of refused deliveries, newest first. Its error is ErrCursor for a malformed cursor.
func (v *View) Refusals(ctx context.Context, q api.RefusedQuery) (api.Page[api.Refused], error) {
	page := api.Page[api.Refused]{Data: []api.Refused{}}
	after, err := ParseCursor(q.Cursor)
	if err != nil {
		return page, err
	}
	args := with(between(after, q.After, q.Before), "reason", q.Reason)
	args["limit"], args["id"] = q.Limit+1, int64(0)
	if after.ID != "" && (q.Before.IsZero() || after.At.Before(q.Before)) {
		n, err := strconv.ParseInt(after.ID, 10, 64)
		if err != nil {
			return page, ErrCursor
		}
		args["id"] = n
	}
	sql := refusedByTimeSQL
	if q.Reason != "" {
		sql = refusedByReasonSQL
	}
	b := &pgx.Batch{}
	b.Queue(sql, args).Query(store.EachRow(func(row pgx.Row) error {
		r, err := scanRefused(row)
		page.Data = append(page.Data, r)
		return err
	}))
	if err := v.batch(ctx, b); err != nil {
		return page, fmt.Errorf("list the refused deliveries: %w", err)
	}
	if len(page.Data) > q.Limit {
		page.Data = page.Data[:q.Limit]
		last := page.Data[q.Limit-1]
		page.NextCursor = Position{last.At, strconv.FormatInt(last.ID, 10)}.Cursor()
	}
	return page, nil
}

// Refused returns one sample; found is false if there is none, or it was purged.
func (v *View) Refused(ctx context.Context, id int64) (r api.Refused, found bool, err error) {
	b := &pgx.Batch{}
	b.Queue(refusedByIDSQL, pgx.NamedArgs{"id": id}).Query(store.EachRow(func(row pgx.Row) (err error) {
		r, err = scanRefused(row)
		found = true
		return err
	}))
	if err := v.batch(ctx, b); err != nil {
		return r, false, fmt.Errorf("read refused delivery %d: %w", id, err)
	}
	return r, found, nil
}

func scanRefused(row pgx.Row) (r api.Refused, err error) {
	var hash []byte
	err = row.Scan(&r.ID, &r.At, &r.Reason, &r.Status, &r.Evidence, &r.Client, &r.Network, &r.Causes, &r.Secret, &r.Source, &r.Summary, &r.Advice, &r.Bytes,
		&hash, &r.ContentType, &r.ContentEncoding, &r.UserAgent, &r.HeaderNames, &r.EventID, &r.Type, &r.OrderID)
	r.At, r.BodyHash = r.At.UTC(), hex.EncodeToString(hash)
	return r, err
}
