package inspect

import (
	"context"
	"fmt"

	"inorder/internal/api"
	"inorder/internal/store/view"
)

// UnknownRefusedError says that there is no such sample of a refused delivery.
type UnknownRefusedError struct{ ID int64 }

func (e *UnknownRefusedError) Error() string {
	return fmt.Sprintf("there is no refused delivery %d, or it is no longer kept", e.ID)
}

// Refusals returns a page of the samples of refused deliveries, newest first.
func (i *Inspector) Refusals(ctx context.Context, q api.RefusedQuery) (api.Page[api.Refused], error) {
	page, err := read(ctx, i, func(ctx context.Context, v *view.View) (api.Page[api.Refused], error) { return v.Refusals(ctx, q) })
	return page, only(err)
}

// Refused returns one sample.
func (i *Inspector) Refused(ctx context.Context, id int64) (api.Refused, error) {
	found := false
	r, err := read(ctx, i, func(ctx context.Context, v *view.View) (r api.Refused, err error) {
		r, found, err = v.Refused(ctx, id)
		return r, err
	})
	if err == nil && !found {
		return r, &UnknownRefusedError{ID: id}
	}
	return r, only(err)
}
