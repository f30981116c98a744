package admin

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
	"inorder/internal/store/view"
)

// next returns the cursor that a page has.
func (r *rig) next(target string) string {
	r.Helper()
	w := r.send("GET", target, "")
	require.Equal(r, 200, w.Code, "%s: %s", target, w.Body)
	var page struct {
		NextCursor string `json:"next_cursor"`
		Events     struct {
			NextCursor string `json:"next_cursor"`
		}
	}
	require.NoError(r, json.Unmarshal(w.Body.Bytes(), &page))
	return page.NextCursor + page.Events.NextCursor
}

// lists are pages, no two of the same list with the same filter.
var lists = []string{
	"/api/orders?", "/api/orders?status=confirmed", "/api/orders?payment_status=confirmed", "/api/orders?q=1",
	"/api/orders/o/timeline?", "/api/orders/p/timeline?",
	"/api/events?", "/api/events?state=stuck", "/api/events?state=waiting", "/api/events?state=stuck&type=order.paid", "/api/events?order_id=p",
	"/api/bulk/b/events?limit=1", "/api/bulk/b/events?limit=1&failed=true", "/api/bulk/c/events?limit=1",
	"/api/refused?", "/api/refused?reason=bad_event", "/api/audit?", "/api/audit?event_id=o", "/api/audit?order_id=o",
}

func TestACursorIsOfItsListWithItsFilter(t *testing.T) {
	r := newRig(t, nil)
	for _, from := range lists {
		cursor := r.next(from)
		require.NotEmpty(t, cursor, from)
		for _, to := range lists {
			w := r.send("GET", to+"&cursor="+cursor, "")
			if to == from {
				require.Equal(t, 200, w.Code, "%s: %s", to, w.Body)
				require.NotContains(t, r.last(), cursor, "the room gets its own cursor")
				continue
			}
			p := r.problem(w, 400, api.ProblemInvalid)
			require.Equal(t, []api.FieldProblem{{Location: "query.cursor", Message: notItsCursor}}, p.Errors, "from %s to %s", from, to)
		}
	}
	require.Contains(t, r.next("/api/bulk/b/events?limit=1&cursor="+r.next("/api/bulk/b/events?limit=1")), "2", "it goes on after the first")
	require.Empty(t, r.next("/api/bulk/b/events?limit=2"))
}

func TestWhatACursorDoesNotDependOn(t *testing.T) {
	r := newRig(t, nil)
	cursor := r.next("/api/events?state=stuck&type=order.paid&limit=1")
	for _, same := range []string{
		"limit=200&state=stuck&type=order.paid", "type=order%2Epaid&state=stuck", "state=stuck&type=order.paid&received_after=2026-01-02T03:04:05Z",
	} {
		require.Equal(t, cursor, r.next("/api/events?"+same+"&cursor="+cursor), same)
	}
	require.Equal(t, 200, r.send("GET", "/api/events?order_id=o&cursor="+r.next("/api/orders/o/blocked"), "").Code, "what holds an order up goes on in its events")
}

// Cursors of older versions had no tag, and led anywhere.
func TestOlderCursorsAreRefusedWithWhatToDo(t *testing.T) {
	r := newRig(t, nil)
	for _, old := range []string{"41", "x", view.Position{At: time.Unix(1, 0), ID: "evt_1"}.Cursor(), cursorTag(api.EventsPath, "")} {
		p := r.problem(r.send("GET", "/api/events?cursor="+url.QueryEscape(old), ""), 400, api.ProblemInvalid)
		require.Contains(t, p.Errors[0].Message, "older version")
		require.Contains(t, p.Errors[0].Message, "leave it out")
	}
}

func TestEveryCursorFitsIntoARequest(t *testing.T) {
	longest := view.Position{At: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), ID: strings.Repeat("\U0001F4E6", 255)}.Cursor()
	field, _ := reflect.TypeFor[api.ListQuery]().FieldByName("Cursor")
	require.Equal(t, "1500", field.Tag.Get("maxLength"))
	require.Less(t, len(cursorTag(api.OrdersPath, ""))+len(longest), 1500)
}
