package main

import (
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"inorder/internal/api"
	"inorder/internal/terminal"
)

// A text that can't be an ID, or that is blank, is a usage error of its command, and no server is asked.
func TestWhatCantBeMeantIsAUsageError(t *testing.T) {
	f := newAdmin(t, map[string]any{})
	long := strings.Repeat("x", 300)
	for _, args := range [][]string{
		{"events", "show", ""}, {"events", "show", " "}, {"events", "show", "evt 1"}, {"events", "show", "evt_1/retry"}, {"events", "show", "evt_1\n"}, {"events", "show", "é"}, {"events", "show", long},
		{"events", "retry", ""}, {"events", "retry", "evt_1", ""}, {"events", "retry", "evt 1"}, {"events", "discard", "evt_1", "--reason", " "}, {"events", "discard", "a/b", "--reason", "r", "--yes"},
		{"events", "discard", "--state", "waiting", "--order", "", "--reason", "r", "--yes"}, {"events", "replay", "?", "--reason", "r"}, {"events", "amend", "", "--body", "-"},
		{"events", "amend", "evt 1", "--body", "-"}, {"events", "list", "--order", ""}, {"events", "list", "--order", long}, {"events", "list", "--type="}, {"events", "list", "--cursor", ""},
		{"events", "list", "--received-after", " "}, {"events", "list", "--state", "asleep"}, {"events", "list", "--limit", "0"}, {"events", "list", "--limit", "many"},
		{"orders", "show", ""}, {"orders", "show", "\t"}, {"orders", "show", "a\nb"}, {"orders", "show", long}, {"orders", "timeline", " "}, {"orders", "blocked", ""}, {"orders", "list", "-q", ""},
		{"orders", "reconcile", ""}, {"bulk", "show", ""}, {"bulk", "show", "a b"}, {"bulk", "stop", "", "--yes"}, {"bulk", "stop", "a/b", "--yes"},
		{"audit", "--event", ""}, {"audit", "--event", "evt 1"}, {"audit", "--action", "retri"}, {"audit", "--actor", " "}, {"audit", "--order", "\x01"},
		{"send", ""}, {"send", "order.created", "--order", ""}, {"send", "order.created", "--id", " "}, {"send", "--file", ""}, {"send", "--story", ""}, {"send", "order.created", "--url", ""},
		{"hooks", "show", ""}, {"hooks", "register", ""}, {"migrate", "--grant", ""}, {"completion", ""},
	} {
		out, errs, code := program(t.Context(), args...)
		require.Equal(t, exitUsage, code, "%q: %s", args, errs)
		require.Empty(t, out, args)
		help := args[0]
		if c := map[string]bool{"events": true, "orders": true, "bulk": true, "hooks": true}; c[args[0]] {
			help += " " + args[1]
		}
		require.Contains(t, errs, "See `inorder "+help+" --help`.", "%q", args)
		require.NotContains(t, errs, `,""`, "what can be typed")
	}
	require.Empty(t, f.called(""))
}

func TestTextsAreBrokenWhereTheTerminalEnds(t *testing.T) {
	const why = "PostgreSQL cannot be reached: dial tcp 127.0.0.1:5432: connect: connection refused, and so it is not known what there is to tell"
	long := api.Status{Problems: []string{"3 events need attention, the oldest for 2h0m0s: `inorder events list --state attention`, then retry, amend or discard."},
		Dependencies: map[string]api.Dependency{"postgres": {State: "failing", Why: why}}, Missing: []api.Missing{{Source: "postgres", Why: why}},
		FailingTasks: []api.FailingTask{{WorkflowID: "evt_9", Since: ago(0), Problem: why}}}
	newAdmin(t, map[string]any{
		"GET /api/status":              long,
		"GET /api/events/evt_1":        api.EventView{Event: api.Event{EventID: "evt_1", State: api.StateApplying, ReceivedAt: ago(0)}, Reason: why, LastFailure: why, Missing: long.Missing},
		"GET /api/orders/o/blocked":    api.Blocked{OrderID: "o", Summary: why, Lock: &api.LockHolder{PID: 1, Application: "psql", Waiting: 1}, Missing: long.Missing},
		"GET /api/orders/o/timeline":   api.Page[api.Event]{Missing: long.Missing},
		"GET /api/bulk/inorder-bulk-1": api.Bulk{ID: "inorder-bulk-1", Total: 1, Problem: why, Reason: why, Missing: long.Missing},
		"GET /api/orders/o":            &api.Problem{Type: api.ProblemUnavailable, Status: 503, Detail: why, Missing: long.Missing},
	})
	for _, line := range []string{"status", "events show evt_1", "orders blocked o", "orders show o", "bulk show inorder-bulk-1"} {
		for _, width := range []int{40, 60, 100} {
			out, _, _ := atTerminal(t.Context(), width, "", wordsOf(line)...)
			require.Contains(t, strings.Join(strings.Fields(out), " "), "it is not known what there is to tell", line)
			for text := range strings.Lines(plainText(out)) {
				if !strings.Contains(text, "inorder ") { // a command is not broken
					require.LessOrEqual(t, runewidth.StringWidth(strings.TrimSuffix(text, "\n")), width, "%s at %d: %q", line, width, text)
				}
			}
		}
	}
	out, _, _ := atTerminal(t.Context(), 40, "", "status")
	require.Contains(t, out, "`inorder events list --state attention`", "what people copy is whole")
}

// plainText returns a text without its colours.
func plainText(s string) string {
	for _, style := range []terminal.Style{terminal.Bold, terminal.Dim, terminal.Red, terminal.Green, terminal.Yellow, "0"} {
		s = strings.ReplaceAll(s, "\x1b["+string(style)+"m", "")
	}
	return s
}
