package admin

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"inorder/internal/api"
)

// RefusedID names a sample of a refused delivery.
type RefusedID struct {
	ID int64 `path:"id" minimum:"1" doc:"The number of the refused delivery."`
}

func (a *API) registerRefused(h huma.API) {
	listRoute(a, h, api.RefusalsPath, "refusals", "Samples of the deliveries that were refused, newest first", func(ctx context.Context, in *struct{ api.RefusedQuery }) (api.Page[api.Refused], error) {
		return a.inspector.Refusals(ctx, in.RefusedQuery)
	})
	getRoute(a, h, api.RefusedPath, "refused", "Why one delivery was refused, and what to do", func(ctx context.Context, in *RefusedID) (api.Refused, error) {
		return a.inspector.Refused(ctx, in.ID)
	})
}
