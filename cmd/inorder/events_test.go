package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
)

func TestEventsList(t *testing.T) {
	f := newAdmin(t, map[string]any{"GET /api/events": someEvents()})
	out, errs, code := asked(t, "events list --state stuck --type order.paid --order order_1 --store store_1 --received-after 24h")
	require.Zero(t, code, errs)
	require.Regexp(t, `EVENT +TYPE +ORDER +STATE +WHEN`, out)
	require.Regexp(t, `evt_0123456789abcdef +order.paid +order_1 +stuck +26 hours ago +store_1 +its order .* usual at all`, out)
	require.Regexp(t, `evt_2 +fulfillment.shipped +order_2\\u001b\[2J +applied +3 minutes ago`, out)
	require.NotContains(t, out, "\x1b", "no colours in a pipe")
	call := f.called("GET /api/events")[0]
	for _, part := range []string{"state=stuck", "type=order.paid", "order_id=order_1", "store_id=store_1", "received_after=2", "limit=50"} {
		require.Contains(t, call, part)
	}
	require.NotContains(t, call, "cursor")

	out, errs, code = asked(t, "events list --json")
	require.Zero(t, code, errs)
	require.Empty(t, errs)
	require.Len(t, document[api.Page[api.Event]](t, out).Data, 2)

	f.set("GET /api/events", api.Page[api.Event]{Missing: []api.Missing{{Source: "temporal", Why: "events that are applying are not in the list"}}})
	out, errs, code = asked(t, "events list")
	require.Zero(t, code)
	require.Contains(t, out, "No events match.")
	require.Contains(t, errs, "! temporal: events that are applying")
	out, _, _ = asked(t, "events list --json")
	require.Contains(t, out, `"data": []`)
	require.Contains(t, out, `"missing"`)
}

func TestListsFitTheTerminal(t *testing.T) {
	newAdmin(t, map[string]any{"GET /api/events": someEvents()})
	for _, width := range []int{40, 80, 200} {
		out, errs, code := atTerminal(t.Context(), width, "", "events", "list")
		require.Zero(t, code, errs)
		require.Contains(t, out, "\x1b[31mstuck\x1b[0m")
		require.Contains(t, out, "evt_0123456789abcdef")
		t.Setenv("NO_COLOR", "1")
		out, _, _ = atTerminal(t.Context(), width, "", "events", "list")
		t.Setenv("NO_COLOR", "")
		require.NotContains(t, out, "\x1b")
		for line := range strings.Lines(out) {
			require.LessOrEqual(t, runewidth.StringWidth(strings.TrimSpace(line)), max(width, 44), line)
		}
	}
}

// pagesOf answers with a list of n events, at most two a page. One page is empty, but not the last.
func pagesOf(n int) func(*http.Request, []byte) any {
	return func(r *http.Request, _ []byte) any {
		var from, limit int
		_, _ = fmt.Sscanf(r.URL.Query().Get("cursor"), "c%d", &from)
		_, _ = fmt.Sscanf(r.URL.Query().Get("limit"), "%d", &limit)
		page := api.Page[api.Event]{Data: []api.Event{}}
		if from == 2 && r.URL.Query().Get("cursor") != "c2b" {
			page.NextCursor = "c2b"
			return page
		}
		for i := from; i < min(from+2, n, from+limit); i++ {
			page.Data = append(page.Data, api.Event{EventID: fmt.Sprintf("evt_%d", i), Type: "order.paid", State: api.StateWaiting})
		}
		if from+len(page.Data) < n {
			page.NextCursor = fmt.Sprintf("c%d", from+len(page.Data))
		}
		return page
	}
}

func TestPages(t *testing.T) {
	f := newAdmin(t, map[string]any{"GET /api/events": pagesOf(5)})
	out, errs, code := asked(t, "events list --limit 3")
	require.Zero(t, code, errs)
	require.Equal(t, 3, strings.Count(out, "evt_"))
	require.Equal(t, 1, strings.Count(out, "EVENT"))
	require.Contains(t, errs, "--cursor c3")
	require.Len(t, f.called("GET /api/events"), 3)

	out, _, _ = asked(t, "events list --cursor c3")
	require.Equal(t, 2, strings.Count(out, "evt_"))
	out, errs, _ = asked(t, "events list --all-pages --json")
	require.Len(t, document[api.Page[api.Event]](t, out).Data, 5)
	require.Empty(t, errs)
	out, _, _ = asked(t, "events list --limit 1 --json")
	require.Equal(t, "c1", document[api.Page[api.Event]](t, out).NextCursor)
}

func waitingEvent() api.EventView {
	return api.EventView{Event: api.Event{EventID: "evt_1", Type: "order.paid", OrderID: "order_1", State: api.StateWaiting, ReceivedAt: ago(3 * time.Minute), OccurredAt: at(time.Hour)},
		Payload: json.RawMessage(`{"id":"evt_1","data":{"total":9007199254740993,"email":"a@example.com"}}`),
		Reason:  "its order does not exist yet", NextAttempt: at(-time.Hour), Actions: []api.Action{api.Retry, api.Discard, api.Amend},
		WorkflowID: "evt_1", TemporalURL: "http://ui/evt_1",
		Timeline: []api.Moment{{At: ago(3 * time.Minute), What: "received"}, {At: ago(time.Minute), What: "retry", By: "kim", Text: "why not"}},
		Missing:  []api.Missing{{Source: "temporal", Why: "attempts are not shown"}}}
}

func TestEventsShowSaysWhereAnEventStands(t *testing.T) {
	e := waitingEvent()
	f := newAdmin(t, map[string]any{})
	for state, says := range map[api.State]string{api.StateInbox: "It is in the inbox, ", api.StateApplying: "It is being applied, ", api.StateStuck: "It is stuck, ", api.StateAttention: "It is in attention, "} {
		e.State = state
		f.set("GET /api/events/evt_1", e)
		out, errs, code := asked(t, "events show evt_1")
		require.Zero(t, code, errs)
		require.Contains(t, out, says)
	}
}

func TestEventsShow(t *testing.T) {
	newAdmin(t, map[string]any{"GET /api/events/evt_1": waitingEvent()})
	out, errs, code := asked(t, "events show evt_1")
	require.Zero(t, code, errs)
	for _, part := range []string{"evt_1  order.paid", "It is waiting, received 3 minutes ago.", "Why: its order does not exist yet", "order_1", "(in 59 minutes)", "http://ui/evt_1",
		"\n  inorder events retry evt_1\n", "\n  inorder events discard evt_1 --reason '…'\n", "events amend evt_1 --body FILE", "! temporal: attempts"} {
		require.Contains(t, out, part)
	}
	require.Regexp(t, `retry +kim +why not`, out)
	require.NotContains(t, out, "a@example.com", "the payload is printed only if it is asked for")

	out, _, code = asked(t, "events show evt_1 --payload")
	require.Zero(t, code)
	require.JSONEq(t, string(waitingEvent().Payload), out)
	require.Contains(t, out, "9007199254740993")
	out, _, _ = asked(t, "events show evt_1 --json")
	require.Equal(t, "evt_1", document[api.EventView](t, out).EventID)

	_, errs, code = asked(t, "events show evt_none")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "there is no events/evt_none; to list events: inorder events list")
}

func TestWatch(t *testing.T) {
	f := newAdmin(t, map[string]any{"GET /api/events": someEvents()})
	for name, terminal := range map[string]bool{"at a terminal": true, "in a pipe": false} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			s, errs, ended := &screen{width: 100, height: 20}, &testenv.Output{}, make(chan int)
			std := streams{in: strings.NewReader(""), out: s, err: errs}
			if !terminal {
				std.out = &s.Output
			}
			go func() { ended <- run(ctx, []string{"events", "list", "--watch"}, std) }()
			shown := func(n int) func() bool {
				return func() bool { return strings.Count(s.String(), "evt_0123456789abcdef") >= n }
			}
			require.Eventually(t, shown(1), testenv.Patience, 10*time.Millisecond)
			f.set("GET /api/events", &api.Problem{Type: api.ProblemUnavailable, Status: 503, Detail: "postgres does not answer"})
			require.Eventually(t, func() bool { return strings.Contains(s.String(), "postgres does not answer") }, testenv.Patience, 10*time.Millisecond)
			f.set("GET /api/events", someEvents())
			require.Eventually(t, shown(2), testenv.Patience, 10*time.Millisecond)
			require.Equal(t, terminal, strings.Contains(s.String(), "\x1b[H\x1b[2J"))
			stop()
			require.Equal(t, exitOK, <-ended)
			require.Empty(t, errs.String())
		})
	}
}
