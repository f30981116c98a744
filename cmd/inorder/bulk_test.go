package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
)

// newBulk returns an admin API with a bulk action on 500 events. It has done step more at each poll, and fails on some.
func newBulk(t *testing.T, step int64, fails int) (*fakeAdmin, *atomic.Int64) {
	var done atomic.Int64
	until := ago(time.Minute)
	f := newAdmin(t, map[string]any{
		"POST /api/bulk": func(_ *http.Request, body []byte) any {
			var r api.BulkRequest
			if err := json.Unmarshal(body, &r); err != nil {
				return &api.Problem{Type: api.ProblemInvalid, Status: 400, Detail: err.Error()}
			}
			r.Filter.ReceivedBefore = &until
			switch {
			case r.Filter.State == api.StateInbox:
				return api.Preview{Filter: r.Filter}
			case r.DryRun:
				return api.Preview{Count: 500, First: someEvents().Data, Filter: r.Filter}
			case r.Expect == nil || *r.Expect != 500:
				return &api.Problem{Type: api.ProblemChanged, Status: 409, Detail: "it selects 501 events now"}
			}
			return api.Started{ID: "inorder-bulk-1", Total: 500}
		},
		"GET /api/bulk/inorder-bulk-1": func(*http.Request, []byte) any {
			b := api.Bulk{ID: "inorder-bulk-1", Action: api.Retry, Total: 500, Done: int(min(done.Add(step), 500)), Actor: "kim", Rate: 50, StartedAt: ago(time.Minute), End: "running"}
			if b.Done == 500 {
				b.EndedAt, b.End, b.Failed = at(time.Second), "done", fails
				for i := range fails {
					b.Failures = append(b.Failures, api.BulkEnd{EventID: fmt.Sprintf("evt_%d", i), Failed: true, Result: "it has ended"})
				}
			}
			return b
		},
		"POST /api/bulk/inorder-bulk-1/stop": api.Bulk{ID: "inorder-bulk-1", Total: 500, Done: 100, End: "stopped", EndedAt: at(0), NotDone: []string{"evt_100", "evt_101"}},
	})
	return f, &done
}

func TestBulk(t *testing.T) {
	f, _ := newBulk(t, 100, 0)
	out, errs, code := asked(t, "events retry --state stuck --type order.paid --reason 'it is back' --yes --rate 100 --name monday")
	require.Zero(t, code, errs)
	require.Contains(t, out, "evt_0123456789abcdef")
	require.Contains(t, out, "and 498 more")
	require.Contains(t, errs, "started as inorder-bulk-1")
	require.Regexp(t, `█+·+ \d00 of 500`, errs, "progress")
	require.Contains(t, out, "████████████████████ 500 of 500")
	calls := f.called("POST /api/bulk")
	require.Len(t, calls, 2)
	for _, part := range []string{`"action":"retry"`, `"state":"stuck"`, `"type":"order.paid"`, `"reason":"it is back"`, `"rate":100`, `"name":"monday"`} {
		require.Contains(t, calls[0], part)
		require.Contains(t, calls[1], part)
	}
	require.Contains(t, calls[0], `"dry_run":true`)
	require.Contains(t, calls[1], `"expect":500`)
	require.Contains(t, calls[1], `"received_before":`, "the filter of the preview")

	_, errs, code = asked(t, "events retry --state stuck --reason test")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "Retry 500 events? At 50 a second this takes about 10 seconds. Standard input is not a terminal, so the question can't be answered")
	_, errs, code = atTerminal(t.Context(), 80, "n\n", "events", "discard", "--all", "--reason", "test")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "Give up 500 events? At 50 a second this takes about 10 seconds. [y/N]")
	require.Len(t, f.called("POST /api/bulk"), 4)
	require.Contains(t, f.called("POST /api/bulk")[3], `"all":true`)
}

func TestBulkPreviewAndNothing(t *testing.T) {
	f, _ := newBulk(t, 500, 0)
	out, errs, code := asked(t, "events replay --outcome expired --preview")
	require.Zero(t, code, errs)
	require.Contains(t, out, "500 events. Nothing was changed.")
	out, _, _ = asked(t, "events replay --outcome expired --preview --json")
	require.Equal(t, 500, document[api.Preview](t, out).Count)
	out, errs, code = asked(t, "events retry --state inbox --reason test")
	require.Zero(t, code, errs)
	require.Equal(t, "No events match. Nothing was done.\n", out)
	for _, call := range f.called("POST") {
		require.Contains(t, call, `"dry_run":true`)
	}
}

func TestBulkThatFails(t *testing.T) {
	_, done := newBulk(t, 500, 2)
	for _, line := range []string{"bulk show inorder-bulk-none", "bulk stop inorder-bulk-none --yes"} {
		_, errs, code := asked(t, line)
		require.Equal(t, exitError, code)
		require.Contains(t, errs, "to list bulk actions: inorder audit --action bulk")
	}
	out, errs, code := asked(t, "events retry --state stuck --reason test --yes --json")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "the action failed for 2 of 500 events")
	require.Len(t, document[api.Bulk](t, out).Failures, 2)
	out, _, code = asked(t, "bulk show inorder-bulk-1")
	require.Zero(t, code)
	require.Contains(t, out, "500 of 500, 2 failed")
	require.Regexp(t, `evt_1 .*it has ended`, out)

	done.Store(-400)
	_, errs, code = asked(t, "bulk stop inorder-bulk-1")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "Stop it with 400 events left?")
	out, errs, code = asked(t, "bulk stop inorder-bulk-1 --yes")
	require.Zero(t, code, errs)
	require.Contains(t, out, "stopped")
	require.Regexp(t, `(?s)NOT DONE\s+evt_100\s+evt_101\s+and 398 more`, out)
}

func TestBulkDetachedAndLeft(t *testing.T) {
	f, done := newBulk(t, 500, 0)
	out, errs, code := asked(t, "events retry --state stuck --reason test --yes --detach")
	require.Zero(t, code, errs)
	require.Contains(t, out, "500 events: to see the progress: inorder bulk show inorder-bulk-1")
	require.Empty(t, f.called("GET /api/bulk/"))

	done.Store(-1 << 40)
	ctx, stop := context.WithCancel(t.Context())
	var following testenv.Output
	ended := make(chan int)
	go func() {
		ended <- run(ctx, wordsOf("events retry --state stuck --reason test --yes"), streams{in: strings.NewReader(""), out: &testenv.Output{}, err: &following})
	}()
	require.Eventually(t, func() bool { return strings.Contains(following.String(), "of 500") }, testenv.Patience, 10*time.Millisecond)
	stop()
	require.Equal(t, exitOK, <-ended)
	require.Contains(t, following.String(), "The bulk action continues without this command. To see it: inorder bulk show inorder-bulk-1. To stop it: inorder bulk stop inorder-bulk-1")
}

func TestABulkWhoseSetChanged(t *testing.T) {
	f, _ := newBulk(t, 500, 0)
	start := f.answers["POST /api/bulk"].(func(*http.Request, []byte) any)
	f.set("POST /api/bulk", func(r *http.Request, body []byte) any {
		if strings.Contains(string(body), "dry_run") {
			return start(r, body)
		}
		return &api.Problem{Type: api.ProblemChanged, Status: 409, Detail: "it selects 501 events now"}
	})
	_, errs, code := asked(t, "events retry --state stuck --reason test --yes")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "it selects 501 events now; nothing was done")
}

func TestATokenThatEndsWhileABulkIsFollowed(t *testing.T) {
	f, _ := newBulk(t, 100, 0)
	f.set("GET /api/bulk/inorder-bulk-1", &api.Problem{Type: api.ProblemUnauthorized, Status: 401, Detail: "the token is not known"})
	_, errs, code := asked(t, "events retry --state stuck --reason test --yes")
	require.Equal(t, exitError, code, "something was done")
	require.Contains(t, errs, "The bulk action continues without this command")
}
