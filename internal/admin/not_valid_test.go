package admin

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
)

var long = strings.Repeat("x", 501)

// notValid are requests that are refused, each with the location of the first error.
var notValid = []struct{ method, target, body, location string }{
	{"GET", "/api/events?stat=stuck", "", "query.stat"},
	{"GET", "/api/events?state=", "", "query.state"},
	{"GET", "/api/events?state", "", "query.state"},
	{"GET", "/api/events?state=sleeping", "", "query.state"},
	{"GET", "/api/events?outcome=lost", "", "query.outcome"},
	{"GET", "/api/events?via=mail", "", "query.via"},
	{"GET", "/api/events?limit=0", "", "query.limit"},
	{"GET", "/api/events?limit=201", "", "query.limit"},
	{"GET", "/api/events?limit=1e2", "", "query.limit"},
	{"GET", "/api/events?limit=1&limit=2", "", "query.limit"},
	{"GET", "/api/events?cursor=%00", "", "query.cursor"},
	{"GET", "/api/events?received_after=yesterday", "", "query.received_after"},
	{"GET", "/api/events?received_after=2026-01-02", "", "query.received_after"},
	{"GET", "/api/events?received_before=2026-01-02T03:04:05+01:00", "", "query.received_before"},
	{"GET", "/api/events?type=%00", "", "query.type"},
	{"GET", "/api/events/evt%201", "", "path.id"},
	{"GET", "/api/events/" + long[:65], "", "path.id"},
	{"GET", "/api/events/evt_1?limit=1", "", "query.limit"},
	{"GET", "/api/orders?q=" + long, "", "query.q"},
	{"GET", "/api/orders/%00", "", "path.id"},
	{"GET", "/api/audit?event_id=a%20b", "", "query.event_id"},
	{"GET", "/api/refused?reason=spam", "", "query.reason"},
	{"GET", "/api/refused?after=yesterday", "", "query.after"},
	{"GET", "/api/refused?client=127.0.0.1", "", "query.client"},
	{"GET", "/api/refused/one", "", "path.id"},
	{"GET", "/api/refused/0", "", "path.id"},
	{"GET", "/api/refused/92233720368547758070", "", "path.id"},
	{"GET", "/api/bulk/b/events?failed=perhaps", "", "query.failed"},
	{"GET", "/api/bulk/b/events?cursor=x", "", "query.cursor"},
	{"POST", "/api/events/evt_1/retry?now=1", "", "query.now"},
	{"POST", "/api/events/evt_1/retry", `{"reasn":"x"}`, "body.reasn"},
	{"POST", "/api/events/evt_1/retry", `{"reason":5}`, "body.reason"},
	{"POST", "/api/events/evt_1/retry", `{"reason":"` + long + `"}`, "body.reason"},
	{"POST", "/api/events/evt_1/retry", `[]`, "body"},
	{"POST", "/api/events/evt_1/discard", `{}`, "body"},
	{"POST", "/api/events/evt_1/discard", `{"reason":""}`, "body.reason"},
	{"POST", "/api/events/evt_1/discard", `{"reason":"  "}`, "body.reason"},
	{"POST", "/api/events/evt_1/discard", `{"reason":"a\u0000b"}`, "body.reason"},
	{"POST", "/api/events/evt_1/discard", `{"reason":"a\nb"}`, "body.reason"},
	{"POST", "/api/events/evt_1/discard", `{"reason":"r","body":{}}`, "body.body"},
	{"POST", "/api/events/evt_1/discard", `{"reason":"r"} x`, "body"},
	{"POST", "/api/events/evt_1/discard", `{"reason":"canary`, "body"},
	{"POST", "/api/events/evt_1/discard", `null`, "body"},
	{"POST", "/api/events/evt_1/discard", `{"Reason":"r"}`, "body"},
	{"POST", "/api/events/evt_1/retry", `{"REASON":"r"}`, "body.REASON"},
	{"POST", "/api/events/evt_1/discard", `{"reason":"r","Reason":"canary"}`, "body.Reason"},
	{"POST", "/api/events/evt_1/discard", `{"reason":"r","reason":"canary"}`, "body.reason"},
	{"POST", "/api/events/evt_1/discard", `{"reason":"r","\u0072eason":"canary"}`, "body.reason"},
	{"POST", "/api/events/evt_1/discard", `{"reason":"r"}{"reason":"canary"}`, "body"},
	{"POST", "/api/events/evt_1/amend", `{"reason":"r"}`, "body"},
	{"POST", "/api/bulk", `{"action":"amend","filter":{},"reason":"r"}`, "body.action"},
	{"POST", "/api/events/evt_1/amend", `{"reason":"r","body":{"n":1e400}}`, "body"},
	{"POST", "/api/bulk", `{"action":"retry","filter":{"stat":"stuck"},"reason":"r"}`, "body.filter.stat"},
	{"POST", "/api/bulk", `{"action":"retry","filter":{"State":"stuck"},"reason":"r"}`, "body.filter.State"},
	{"POST", "/api/bulk", `{"action":"retry","filter":{"state":"stuck","state":"waiting"},"reason":"r"}`, "body.filter.state"},
	{"POST", "/api/bulk", `{"action":"retry","filter":{"state":"stuck"},"Filter":{},"reason":"r"}`, "body.Filter"},
	{"POST", "/api/bulk", `{"action":"retry","filter":{"state":"stuck"},"filter":{},"reason":"r"}`, "body.filter"},
	{"POST", "/api/bulk", `{"action":"retry","filter":{"state":"asleep"},"reason":"r"}`, "body.filter.state"},
	{"POST", "/api/bulk", `{"action":"retry","filter":{"received_after":"now"},"reason":"r"}`, "body.filter.received_after"},
	{"POST", "/api/bulk", `{"action":"retry","filter":{"state":"stuck"},"reason":"r","rate":0}`, "body.rate"},
	{"POST", "/api/bulk", `{"action":"retry","filter":{"state":"stuck"},"reason":"r","rate":1001}`, "body.rate"},
	{"POST", "/api/bulk", `{"action":"retry","filter":{"state":"stuck"}}`, "body.reason"},
	{"POST", "/api/bulk", `{"action":"retry","filter":{"state":"stuck"},"reason":" "}`, "body.reason"},
	{"POST", "/api/bulk", `{"filter":{"state":"stuck"},"reason":"r"}`, "body"},
}

func TestWhatIsNotValidIsNamed(t *testing.T) {
	r := newRig(t, nil)
	for _, tc := range notValid {
		p := r.problem(r.send(tc.method, tc.target, tc.body), 400, api.ProblemInvalid)
		require.NotEmpty(t, p.Errors, tc.target)
		require.Equal(t, tc.location, p.Errors[0].Location, "%s %s: %v", tc.target, tc.body, p.Errors)
		require.NotEmpty(t, p.Errors[0].Message)
		require.NotContains(t, p.Errors[0].Message, "pattern", "in words")
	}
	r.problem(r.send("GET", "/api/events?%zz", ""), 400, api.ProblemInvalid)
	r.problem(r.send("POST", "/api/events/evt_1/discard", ""), 400, api.ProblemInvalid)
	require.Empty(t, r.calls)
	require.NotContains(t, r.logs.String(), "canary")
}
