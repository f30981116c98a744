package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
)

func someStatus(ok bool) api.Status {
	s := api.Status{OK: ok, States: map[api.State]api.Count{
		api.StateInbox: {}, api.StateApplying: {Count: 2, OldestSeconds: 3}, api.StateWaiting: {Count: 10000, More: true, OldestSeconds: 200000},
		api.StateAttention: {Count: 3, OldestSeconds: 7200},
	}, Outcomes: map[string]api.Count{"applied": {Count: 10000, More: true, OldestSeconds: 2}, "expired": {}},
		LastEvents:   map[string]time.Time{"order": ago(3 * time.Minute), "payment": ago(5 * time.Minute), "fulfillment": ago(time.Hour), "return": ago(50 * time.Hour)},
		Dependencies: map[string]api.Dependency{"postgres": {State: "ok"}, "temporal": {State: "failing", Why: "connection refused"}},
		FailingTasks: []api.FailingTask{{WorkflowID: "evt_9", Since: ago(time.Hour), Problem: "nondeterministic \x1b[2J", TemporalURL: "http://ui/evt_9"}},
		Missing:      []api.Missing{{Source: "temporal", Why: "stuck events are not counted"}}}
	if !ok {
		s.Problems = []string{"3 events need attention: inorder events list --state attention"}
	}
	for i := range 60 {
		m := api.Minute{At: ago(time.Duration(60-i) * time.Minute), Deliveries: map[string]int{"accepted": i, "duplicate": i / 10}, Ends: map[string]int{"applied": i}}
		if i < 10 {
			m = api.Minute{At: m.At}
		}
		s.Traffic = append(s.Traffic, m)
	}
	return s
}

func TestStatus(t *testing.T) {
	f := newAdmin(t, map[string]any{"GET /api/status": someStatus(false)})
	out, errs, code := asked(t, "status")
	require.Equal(t, exitWrong, code)
	require.Empty(t, errs)
	for _, want := range []string{`^! 3 events need attention: inorder events list --state attention\n`, `(?m)^inbox +0$`, `(?m)^applying +2 +3 seconds$`, `waiting +10000\+ +2 days`,
		`stuck +not known`, `attention +3 +2 hours`, `applied +10000\+ +2 seconds ago`, `deliveries +·{10}▂`, `1875, accepted 1725, duplicate 150`, `Last events: .*order 3 minutes ago`,
		`temporal +failing: connection refused`, `workflow evt_9 has been failing since .*nondeterministic \\u001b\[2J`, `! temporal: stuck events`} {
		require.Regexp(t, want, out)
	}
	out, _, code = asked(t, "status --json")
	require.Equal(t, exitWrong, code)
	require.False(t, document[api.Status](t, out).OK)

	for _, width := range []int{40, 80, 200} {
		out, _, code = atTerminal(t.Context(), width, "", "status")
		require.Equal(t, exitWrong, code)
		require.Contains(t, out, "\x1b[31m! 3 events")
		for line := range strings.Lines(out) {
			if !strings.Contains(line, "!") { // a problem may be long
				require.LessOrEqual(t, runewidth.StringWidth(strings.TrimSuffix(line, "\n")), width+18, line) // colours take no room
			}
		}
	}
	f.set("GET /api/status", someStatus(true))
	out, _, code = asked(t, "status")
	require.Zero(t, code)
	require.Contains(t, out, "Nothing needs a person.")
}

func TestASlowAnswerIsReported(t *testing.T) {
	hold := make(chan struct{})
	newAdmin(t, map[string]any{"GET /api/status": func(r *http.Request, _ []byte) any {
		<-hold
		return someStatus(true)
	}})
	release := sync.OnceFunc(func() { close(hold) })
	defer release()
	var errs testenv.Output
	ended := make(chan int, 1)
	go func() {
		ended <- run(t.Context(), wordsOf("status --json"), streams{in: strings.NewReader(""), out: &testenv.Output{}, err: &errs})
	}()
	require.Eventually(t, func() bool { return strings.Contains(errs.String(), "still waiting for http://127.0.0.1") }, testenv.Patience, 20*time.Millisecond)
	release()
	require.Zero(t, <-ended)
}

func TestAudit(t *testing.T) {
	f := newAdmin(t, map[string]any{"GET /api/audit": api.Page[api.AuditEntry]{Data: []api.AuditEntry{
		{ID: 1, At: ago(time.Hour), Actor: "kim", Action: "discard", EventID: "evt_1", OrderID: "order_1", Via: "api", Reason: "a test\n order", Result: "discarded (a test\n order (by kim))"}}}})
	out, errs, code := asked(t, "audit --actor kim --action discard --event evt_1 --order order_1")
	require.Zero(t, code, errs)
	require.Regexp(t, `kim +discard +evt_1 +order_1 +api +a test\\u000a order +discarded`, out)
	for _, part := range []string{"actor=kim", "action=discard", "event_id=evt_1", "order_id=order_1"} {
		require.Contains(t, f.called("GET /api/audit")[0], part)
	}
	for _, width := range []int{60, 80} {
		out, _, _ = atTerminal(t.Context(), width, "", "audit", "--event", "evt_1")
		require.Contains(t, out, "REASON", "why is not left out at %d", width)
	}
	out, _, _ = asked(t, "audit --json")
	require.Equal(t, "kim", document[api.Page[api.AuditEntry]](t, out).Data[0].Actor)
}

// Every command says what it needs, and shows how it is typed.
func TestEveryCommandExplainsItself(t *testing.T) {
	clean(t)
	for _, command := range []string{"status", "events", "events list", "events show", "events retry", "events discard", "events replay", "events amend", "bulk", "bulk show", "bulk stop",
		"orders", "orders list", "orders show", "orders timeline", "orders blocked", "refused", "refused list",
		"refused show", "audit"} {
		out, errs, code := asked(t, command+" --help")
		require.Zero(t, code, errs)
		text := strings.Join(strings.Fields(out), " ")
		require.Regexp(t, "[Nn]eeds? ADMIN_TOKEN", text, command)
		require.Contains(t, text, "ADMIN_URL", command)
		require.Contains(t, text, "inorder "+command, command)
		short, _, code := asked(t, "help "+command)
		require.Zero(t, code)
		require.Equal(t, out, short)
	}
	out, _, code := asked(t, "")
	require.Zero(t, code)
	require.Contains(t, strings.Join(strings.Fields(out), " "), "Exit codes: 0 success; 1 failure; 2 the command line")
	for _, line := range []string{"hooks", "events", "orders", "bulk", "hooks secrets", "version", "help"} {
		out, errs, code := asked(t, line)
		require.Zero(t, code, errs)
		require.NotEmpty(t, out)
	}
}
