package inspect

import (
	"context"

	"inorder/internal/api"
	"inorder/internal/store/view"
)

// Orders returns a page of the orders that the query selects, newest change first.
func (i *Inspector) Orders(ctx context.Context, q api.OrdersQuery) (api.Page[api.Order], error) {
	page, err := read(ctx, i, func(ctx context.Context, v *view.View) (api.Page[api.Order], error) { return v.Orders(ctx, q) })
	return page, only(err)
}

// Order returns one order with all that is known of it.
func (i *Inspector) Order(ctx context.Context, id string) (api.OrderView, error) {
	found := false
	o, err := read(ctx, i, func(ctx context.Context, v *view.View) (o api.OrderView, err error) {
		o, found, err = v.Order(ctx, id)
		return o, err
	})
	if err == nil && !found {
		return o, &UnknownOrderError{OrderID: id}
	}
	return o, only(err)
}

// Timeline returns a page of all events about an order, also those that have not ended, newest first by their own time. The first page begins
// with the events that are being applied: Temporal does not know their own times.
func (i *Inspector) Timeline(ctx context.Context, orderID, cursor string, limit int) (api.Page[api.Event], error) {
	var applying []api.Event
	var away error
	if cursor == "" {
		applying, away = i.applyingOf(ctx, orderID, limit)
	}
	page, err := read(ctx, i, func(ctx context.Context, v *view.View) (api.Page[api.Event], error) {
		return v.Timeline(ctx, orderID, cursor, limit)
	})
	if err != nil {
		return page, only(err)
	}
	page.Data = append(append([]api.Event{}, applying...), page.Data...) // an empty page is [], not null
	lacks(&page.Missing, temporal, away, "events that are being applied are not in the list")
	return page, nil
}

// applyingOf returns the events of an order that are being applied and are in no table.
func (i *Inspector) applyingOf(ctx context.Context, orderID string, limit int) ([]api.Event, error) {
	found, err := i.applying(ctx, api.Filter{OrderID: orderID}, view.Position{}, limit)
	return found.Events, err
}

// Audit returns a page of the audit, newest first.
func (i *Inspector) Audit(ctx context.Context, q api.AuditQuery) (api.Page[api.AuditEntry], error) {
	page, err := read(ctx, i, func(ctx context.Context, v *view.View) (api.Page[api.AuditEntry], error) { return v.Audit(ctx, q) })
	return page, only(err)
}
