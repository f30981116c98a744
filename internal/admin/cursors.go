package admin

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"inorder/internal/api"
	"inorder/internal/operate"
)

// A cursor begins with eight characters that identify its list and filter. Used with another list or filter, it would lead to an arbitrary
// place, and nobody would notice the rows that are skipped.

// cursorTag returns what the cursors of a list with a filter begin with.
func cursorTag(path, filter string) string {
	sum := sha256.Sum256([]byte(path + "\n" + filter))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

const notItsCursor = "it is not a next_cursor of this list with this filter, or an older version made it: only limit and times may differ between " +
	"the pages of a list; leave it out to start from the first page"

// tagged returns a list's cursor as clients carry it; "", after the last page, stays "".
func tagged(tag, cursor string) string {
	if cursor == "" {
		return ""
	}
	return tag + cursor
}

// untagged returns the cursor without its tag. A cursor with another tag is an operate.InvalidError.
func untagged(tag, cursor string) (string, error) {
	bare, ours := strings.CutPrefix(cursor, tag)
	if cursor != "" && (!ours || bare == "") {
		return "", &operate.InvalidError{Location: "query.cursor", Message: notItsCursor}
	}
	return bare, nil
}

// listInput is the request for a page of a list.
type listInput[I any] interface {
	*I
	Place() *api.ListQuery
}

// listRoute is getRoute for a list. f takes and returns cursors without tags.
func listRoute[I any, P listInput[I], O any](a *API, h huma.API, path, id, summary string, f func(context.Context, *I) (api.Page[O], error)) {
	getRoute(a, h, path, id, summary, func(ctx context.Context, in *I) (page api.Page[O], err error) {
		tag, place := cursorTag(path, api.FilterOf(*in)), P(in).Place()
		if place.Cursor, err = untagged(tag, place.Cursor); err != nil {
			return page, err
		}
		page, err = f(ctx, in)
		page.NextCursor = tagged(tag, page.NextCursor)
		return page, err
	})
}

// blocked returns what holds an order up. Its cursor continues in the list of the order's events.
func (a *API) blocked(ctx context.Context, in *OrderID) (api.Blocked, error) {
	b, err := a.inspector.Blocked(ctx, in.ID)
	b.Events.NextCursor = tagged(cursorTag(api.EventsPath, api.FilterOf(api.EventsQuery{OrderID: in.ID})), b.Events.NextCursor)
	return b, err
}
