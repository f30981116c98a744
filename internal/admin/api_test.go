package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"inorder/internal/api"
	"inorder/internal/bulk"
	"inorder/internal/inspect"
	"inorder/internal/operate"
)

func TestEveryRequestReachesItsRoom(t *testing.T) {
	r := newRig(t, nil)
	for _, tc := range []struct{ method, target, body, calls string }{
		{"GET", "/api/status", "", "status"},
		{"GET", "/api/orders", "", "orders {Status: PaymentStatus: FulfillmentStatus: StoreID: UpdatedAfter:0001-01-01 00:00:00 +0000 UTC UpdatedBefore:0001-01-01 00:00:00 +0000 UTC Q: ListQuery:{Limit:50 Cursor:}}"},
		{"GET", "/api/orders?status=a&payment_status=b&fulfillment_status=c&store_id=d&updated_after=2026-01-02T03:04:05%2B01:00&updated_before=2026-01-02T03:04:05.5Z&q=100&limit=200", "",
			"orders {Status:a PaymentStatus:b FulfillmentStatus:c StoreID:d UpdatedAfter:2026-01-02 03:04:05 +0100 +0100 UpdatedBefore:2026-01-02 03:04:05.5 +0000 UTC Q:100 ListQuery:{Limit:200 Cursor:}}"},
		{"GET", "/api/orders/a%2Fb%20c", "", "order a/b c"},
		{"GET", "/api/orders/o/timeline?limit=1", "", "timeline o  1"},
		{"GET", "/api/orders/o/blocked", "", "blocked o"},
		{"GET", "/api/events?state=waiting&type=order.paid&order_id=o&store_id=s&received_after=2026-01-02T03:04:05Z&received_before=2026-01-03T00:00:00Z", "",
			`events {"state":"waiting","type":"order.paid","order_id":"o","store_id":"s","received_after":"2026-01-02T03:04:05Z","received_before":"2026-01-03T00:00:00Z"}  50`},
		{"GET", "/api/events?outcome=expired&via=inbox", "", `events {"outcome":"expired","via":"inbox"}  50`},
		{"GET", "/api/events/evt_1", "", "event evt_1"},
		{"POST", "/api/events/evt_1/retry", "", "retry evt_1  by admin: "},
		{"POST", "/api/events/evt_1/retry", "{}", "retry evt_1  by admin: "},
		{"POST", "/api/events/evt_1/retry", `{"reason":"now"}`, "retry evt_1  by admin: now"},
		{"POST", "/api/events/evt_1/discard", `{"reason":"spam"}`, "discard evt_1  by admin: spam"},
		{"POST", "/api/events/evt_1/replay", `{"reason":"undo"}`, "replay evt_1  by admin: undo"},
		{"POST", "/api/events/evt_1/amend", `{"reason":"typo","body":{"id": "evt_1", "n": 12345678901234567890}}`, `amend evt_1 {"id": "evt_1", "n": 12345678901234567890} by admin: typo`},
		{"POST", "/api/bulk", `{"action":"retry","filter":{"state":"stuck"},"dry_run":true}`, "preview retry"},
		{"POST", "/api/bulk", `{"action":"discard","filter":{"state":"stuck"},"reason":"r","rate":9}`, "start discard stuck by admin: r"},
		{"GET", "/api/bulk/b-1", "", "bulk b-1"},
		{"GET", "/api/bulk/b-1/events", "", "bulk events b-1 0 false 50"},
		{"GET", "/api/bulk/b-1/events?failed=true&limit=1", "", "bulk events b-1 0 true 1"},
		{"POST", "/api/bulk/b-1/stop", "", "stop b-1 by admin: "},
		{"POST", "/api/bulk/b-1/stop", `{"reason":"enough"}`, "stop b-1 by admin: enough"},
		{"GET", "/api/refused", "", "refusals  0001-01-01 00:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC {Limit:50 Cursor:}"},
		{"GET", "/api/refused?reason=bad_event&after=2026-01-02T03:04:05Z&before=2026-01-03T00:00:00Z&limit=3", "",
			"refusals bad_event 2026-01-02 03:04:05 +0000 UTC 2026-01-03 00:00:00 +0000 UTC {Limit:3 Cursor:}"},
		{"GET", "/api/refused/42", "", "refused 42"},
		{"GET", "/api/audit?actor=anna&action=retry&event_id=e&order_id=o", "", "audit {Actor:anna Action:retry EventID:e OrderID:o ListQuery:{Limit:50 Cursor:}}"},
	} {
		w := r.send(tc.method, tc.target, tc.body)
		require.Less(t, w.Code, 300, "%s %s: %s", tc.method, tc.target, w.Body)
		require.Equal(t, tc.calls, r.last())
		require.Equal(t, "application/json", w.Header().Get("Content-Type"))
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		require.True(t, json.Valid(w.Body.Bytes()))
		require.NotContains(t, w.Body.String(), "$schema")
	}
}

func TestABulkIsAnsweredByWhatItDid(t *testing.T) {
	r := newRig(t, nil)
	for body, status := range map[string]int{
		`{"action":"retry","filter":{"state":"stuck"},"reason":"r","dry_run":true}`: 200,
		`{"action":"retry","filter":{"state":"stuck"},"reason":"r"}`:                202,
		`{"action":"retry","filter":{"state":"inbox"},"reason":"r"}`:                200, // nothing to do
	} {
		require.Equal(t, status, r.send("POST", "/api/bulk", body).Code, body)
	}
}

func TestWhatIsNotThereIsAProblem(t *testing.T) {
	r := newRig(t, nil)
	for _, target := range []string{"/api/", "/api/nothing", "/api/events/evt_1/retry/now", "/api/orders/o/events"} {
		r.problem(r.send("GET", target, ""), 404, api.ProblemNotFound)
	}
	for target, allow := range map[string]string{"/api/events/evt_1/retry": "POST", "/api/status": "GET, HEAD"} {
		w := r.send("DELETE", target, "")
		r.problem(w, 405, api.ProblemMethod)
		require.Equal(t, allow, w.Header().Get("Allow"))
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/cbor", "application/xml;+", "text/plain+json",
		"application/json; charset=latin1", "application/json, text/plain", "text/xml;x=+json", "application/", "+json"} {
		for target, body := range map[string]string{"/api/events/evt_1/discard": `{"reason":"r"}`, "/api/events/evt_1/retry": `{}`, "/api/bulk": `{"action":"retry","dry_run":true}`} {
			p := r.problem(r.send("POST", target, body, "Content-Type", kind), 415, api.ProblemMediaType)
			require.Equal(t, "header.Content-Type", p.Errors[0].Location)
		}
	}
	big := `{"reason":"r","body":{"id":"evt_1","x":"` + strings.Repeat("x", 1<<20) + `"}}`
	r.problem(r.send("POST", "/api/events/evt_1/discard", big), 413, api.ProblemTooLarge)
	require.Empty(t, r.calls)
	require.Equal(t, 200, r.send("POST", "/api/events/evt_1/amend", big).Code, "as large as an event may be")
	r.problem(r.send("POST", "/api/events/evt_1/amend", big+strings.Repeat(" ", 64<<10)), 413, api.ProblemTooLarge)
	for _, kind := range []string{"application/json; charset=utf-8", `APPLICATION/JSON;charset="UTF-8"`, "application/vnd.inorder+json"} {
		require.Equal(t, 200, r.send("POST", "/api/events/evt_1/discard", `{"reason":"r"}`, "Content-Type", kind, "Accept", "text/html").Code, kind)
	}
	require.Equal(t, 200, r.send("POST", "/api/events/evt_1/retry", "", "Content-Type", "application/x-www-form-urlencoded").Code, "there is no body")
	require.Equal(t, 200, r.send("POST", "/api/events/evt_1/amend", `{"reason":"r","body":{"id":"evt_1","x":1,"x":2}}`).Code, "the platform's own is as it is")
	require.Equal(t, 200, r.send("HEAD", "/api/status", "").Code)
}

func TestErrorsHaveTypes(t *testing.T) {
	r := newRig(t, nil)
	for _, tc := range []struct {
		err    error
		status int
		kind   string
	}{
		{&operate.UnknownError{EventID: "evt_1"}, 404, api.ProblemNotFound},
		{&inspect.UnknownOrderError{OrderID: "o"}, 404, api.ProblemNotFound},
		{&bulk.UnknownError{ID: "b"}, 404, api.ProblemNotFound},
		{&operate.UnfitError{EventID: "evt_1", Why: "it has ended", Actions: []api.Action{api.Replay}}, 409, api.ProblemUnfit},
		{&bulk.ChangedError{Expected: 1, Now: 2}, 409, api.ProblemChanged},
		{&bulk.EndedError{ID: "b"}, 409, api.ProblemUnfit},
		{&operate.InvalidError{Location: "query.cursor", Message: "it is not one"}, 400, api.ProblemInvalid},
		{&operate.UnavailableError{Source: "temporal", Why: "nothing was done", Cause: errors.New("namespace not found")}, 503, api.ProblemUnavailable},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, 503, api.ProblemUnavailable},
		{&pgconn.PgError{Code: "57P01", Message: "canary"}, 503, api.ProblemUnavailable},
		{&pgconn.PgError{Code: "42P01", Message: "canary", Where: "PL/pgSQL function f()"}, 503, api.ProblemUnavailable},
		{&pgconn.PgError{Code: "42501", Message: "canary", Where: "PL/pgSQL function f()"}, 503, api.ProblemUnavailable},
		{context.DeadlineExceeded, 503, api.ProblemUnavailable},
		{&pgconn.PgError{Code: "22P02", Message: "canary", TableName: "orders"}, 500, api.ProblemInternal},
		{errors.New("surprise"), 500, api.ProblemInternal},
	} {
		r.err = tc.err
		for _, w := range []*httptest.ResponseRecorder{r.send("GET", "/api/events/evt_1", ""), r.send("POST", "/api/events/evt_1/retry", ""),
			r.send("POST", "/api/bulk", `{"action":"retry","filter":{"state":"stuck"},"reason":"r"}`)} {
			p := r.problem(w, tc.status, tc.kind)
			switch tc.kind {
			case api.ProblemInvalid:
				require.Equal(t, []api.FieldProblem{{Location: "query.cursor", Message: "it is not one"}}, p.Errors)
			case api.ProblemUnavailable:
				require.Len(t, p.Missing, 1)
				require.NotEqual(t, "nothing was done", p.Missing[0].Why, "it says why, by itself")
			}
			require.Equal(t, tc.err.Error() == "event evt_1: it has ended", len(p.Actions) == 1)
			require.NotContains(t, p.Detail, "surprise")
		}
	}
	require.Contains(t, r.logs.String(), "SQLSTATE 22P02 orders")
	require.Contains(t, r.logs.String(), `server=temporal cause="namespace not found"`)
	require.NotContains(t, r.logs.String(), "canary")
}

// What PostgreSQL lacks is named, with what to do about it.
func TestWhatTheDatabaseLacksIsNamed(t *testing.T) {
	r := newRig(t, nil)
	missing := &pgconn.PgError{Code: "42P01", Message: `relation "orders" does not exist`}
	denied := &pgconn.PgError{Code: "42501", Message: "permission denied for table orders"}
	for _, tc := range []struct {
		err  error
		says []string
	}{
		{missing, []string{`relation "orders" does not exist`, "renamed or dropped"}},
		{&pgconn.PgError{Code: "42703", Message: `column "store_id" does not exist`}, []string{`column "store_id" does not exist`, "renamed or dropped"}},
		{denied, []string{"permission denied for table orders", "DATABASE_URL", "inorder migrate --grant"}},
		{fmt.Errorf("place: %w", denied), []string{"permission denied for table orders"}},
	} {
		r.err = tc.err
		for _, w := range []*httptest.ResponseRecorder{r.send("GET", "/api/orders/o", ""), r.send("POST", "/api/events/evt_1/retry", "")} {
			p := r.problem(w, 503, api.ProblemUnavailable)
			for _, part := range tc.says {
				require.Contains(t, p.Detail, part)
				require.Contains(t, p.Missing[0].Why, part)
			}
			require.NotContains(t, p.Detail, "does not answer")
			require.NotContains(t, p.Detail, "run `inorder migrate`")
		}
	}
}
