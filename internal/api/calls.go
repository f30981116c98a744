package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Status says whether anything is wrong.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return get[Status](ctx, c, StatusPath, nil)
}

// Orders lists orders, newest change first.
func (c *Client) Orders(ctx context.Context, q OrdersQuery) (Page[Order], error) {
	return get[Page[Order]](ctx, c, OrdersPath, encode(q))
}

// Order returns one order.
func (c *Client) Order(ctx context.Context, id string) (OrderView, error) {
	return get[OrderView](ctx, c, PathOf(OrderPath, id), nil)
}

// Timeline lists the events of an order, by their own time.
func (c *Client) Timeline(ctx context.Context, orderID string, q ListQuery) (Page[Event], error) {
	return get[Page[Event]](ctx, c, PathOf(TimelinePath, orderID), encode(q))
}

// Blocked returns what holds an order up.
func (c *Client) Blocked(ctx context.Context, orderID string) (Blocked, error) {
	return get[Blocked](ctx, c, PathOf(BlockedPath, orderID), nil)
}

// Events lists events, newest first.
func (c *Client) Events(ctx context.Context, q EventsQuery) (Page[Event], error) {
	return get[Page[Event]](ctx, c, EventsPath, encode(q))
}

// Event returns one event.
func (c *Client) Event(ctx context.Context, id string) (EventView, error) {
	return get[EventView](ctx, c, PathOf(EventPath, id), nil)
}

// Retry has an event tried again now.
func (c *Client) Retry(ctx context.Context, eventID, reason string) (Done, error) {
	return post[Done](ctx, c, PathOf(RetryPath, eventID), RetryRequest{Reason: reason})
}

// Discard gives an event up.
func (c *Client) Discard(ctx context.Context, eventID, reason string) (Done, error) {
	return post[Done](ctx, c, PathOf(DiscardPath, eventID), ReasonRequest{Reason: reason})
}

// Replay applies again the payload of an event that has ended.
func (c *Client) Replay(ctx context.Context, eventID, reason string) (Done, error) {
	return post[Done](ctx, c, PathOf(ReplayPath, eventID), ReasonRequest{Reason: reason})
}

// Amend corrects the body of an event in attention, and has it applied.
func (c *Client) Amend(ctx context.Context, eventID, reason string, body json.RawMessage) (Done, error) {
	return post[Done](ctx, c, PathOf(AmendPath, eventID), AmendRequest{ReasonRequest{reason}, body})
}

// PreviewBulk returns how many events a bulk action would act on, and the first of them. It changes nothing.
func (c *Client) PreviewBulk(ctx context.Context, r BulkRequest) (Preview, error) {
	r.DryRun = true
	return post[Preview](ctx, c, BulksPath, r)
}

// StartBulk begins a bulk action.
func (c *Client) StartBulk(ctx context.Context, r BulkRequest) (Started, error) {
	r.DryRun = false
	return post[Started](ctx, c, BulksPath, r)
}

// Bulk returns a bulk action and its progress.
func (c *Client) Bulk(ctx context.Context, id string) (Bulk, error) {
	return get[Bulk](ctx, c, PathOf(BulkPath, id), nil)
}

// BulkEvents lists what a bulk action did to each event, in its order.
func (c *Client) BulkEvents(ctx context.Context, id string, q BulkEventsQuery) (Page[BulkEnd], error) {
	return get[Page[BulkEnd]](ctx, c, PathOf(BulkEventsPath, id), encode(q))
}

// StopBulk ends a bulk action. What it has done stays done.
func (c *Client) StopBulk(ctx context.Context, id, reason string) (Bulk, error) {
	return post[Bulk](ctx, c, PathOf(StopBulkPath, id), StopRequest{Reason: reason})
}

// Audit lists what people did, newest first.
func (c *Client) Audit(ctx context.Context, q AuditQuery) (Page[AuditEntry], error) {
	return get[Page[AuditEntry]](ctx, c, AuditPath, encode(q))
}

func get[T any](ctx context.Context, c *Client, path string, query url.Values) (out T, err error) {
	err = c.send(ctx, http.MethodGet, path, query, nil, &out)
	return out, err
}

func post[T any](ctx context.Context, c *Client, path string, in any) (out T, err error) {
	err = c.send(ctx, http.MethodPost, path, nil, in, &out)
	return out, err
}
