package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
)

func newActing(t *testing.T) *fakeAdmin {
	done := func(action api.Action, result string) func(*http.Request, []byte) any {
		return func(r *http.Request, _ []byte) any {
			return api.Done{EventID: strings.Split(r.URL.Path, "/")[3], Action: action, Result: result}
		}
	}
	unfit := &api.Problem{Type: api.ProblemUnfit, Status: 409, Detail: "it has ended", Actions: []api.Action{api.Replay}}
	return newAdmin(t, map[string]any{
		"POST /api/events/evt_1/retry": done(api.Retry, "signaled"), "POST /api/events/evt_2/retry": done(api.Retry, "started"),
		"POST /api/events/evt_1/discard": done(api.Discard, "discarded"), "POST /api/events/evt_1/replay": done(api.Replay, "replaying"),
		"POST /api/events/evt_1/amend": done(api.Amend, "amended"), "POST /api/events/evt_ended/retry": unfit,
	})
}

func TestRetry(t *testing.T) {
	f := newActing(t)
	out, errs, code := asked(t, "events retry evt_1")
	require.Zero(t, code, errs)
	require.Equal(t, "evt_1: its workflow tries again now\n", out)

	out, errs, code = asked(t, "events retry evt_1 evt_ended evt_2 evt_none --yes --reason 'it is back'")
	require.Equal(t, exitError, code)
	require.Contains(t, out, "evt_1: its workflow tries again now\nevt_2: its workflow is started again\n")
	require.Contains(t, errs, "evt_ended: it has ended. What fits now:\n  inorder events replay evt_ended --reason '…'\n")
	require.Contains(t, errs, "evt_none: there is no events/evt_none")
	require.Contains(t, errs, "the action failed for 2 of 4 events")
	require.Contains(t, f.called("POST /api/events/evt_2/retry")[0], `{"reason":"it is back"}`)

	out, _, code = asked(t, "events retry evt_1 evt_ended --yes --json")
	require.Equal(t, exitError, code)
	all := document[acted](t, out)
	require.Len(t, all.Done, 1)
	require.Equal(t, "evt_ended", all.Failed[0].EventID)
}

func TestWhatEndsSomethingIsConfirmed(t *testing.T) {
	f := newActing(t)
	body := filepath.Join(t.TempDir(), "body.json")
	require.NoError(t, os.WriteFile(body, []byte(`{"id":"evt_1","type":"order.paid","created_at":"2026-01-15T10:30:00Z","data":{"id":"order_1"}}`), 0o600))
	for line, question := range map[string]string{
		"events discard evt_1 --reason test":                "Give up 1 event?",
		"events retry evt_1 evt_2":                          "Retry 2 events?",
		"events amend evt_1 --reason test --body " + body:   "Replace the body of 1 event, evt_1, and apply it?",
		"events replay evt_1 evt_2 evt_3 --reason 'a test'": "Apply 3 events again?",
	} {
		_, errs, code := asked(t, line)
		require.Equal(t, exitUsage, code, line)
		require.Contains(t, errs, question+" Standard input is not a terminal, so the question can't be answered: add --yes. Nothing was done", line)
		for _, no := range []string{"n\n", "\n", "", "what\n"} {
			_, errs, code = atTerminal(t.Context(), 80, no, wordsOf(line)...)
			require.Equal(t, exitError, code)
			require.Contains(t, errs, question+" [y/N] ")
			require.Contains(t, errs, "nothing was done")
		}
	}
	require.Empty(t, f.called("POST"))
	_, errs, code := atTerminal(t.Context(), 80, "Yes\n", "events", "discard", "evt_1", "--reason", "test")
	require.Zero(t, code, errs)
	out, errs, code := asked(t, "events discard evt_1 --reason test -y")
	require.Zero(t, code, errs)
	require.Contains(t, out, "evt_1: it is discarded; inorder events replay undoes this")
	require.Len(t, f.called("POST"), 2)

	ctx, stop := context.WithCancel(t.Context())
	asked, ended := &testenv.Output{}, make(chan int)
	in, typing := io.Pipe()
	defer typing.Close()
	go func() {
		ended <- run(ctx, []string{"events", "discard", "evt_1", "--reason", "test"}, streams{in: person{in}, out: &testenv.Output{}, err: asked})
	}()
	require.Eventually(t, func() bool { return strings.Contains(asked.String(), "[y/N]") }, testenv.Patience, 10*time.Millisecond)
	stop()
	require.Equal(t, exitError, <-ended, "Ctrl-C at the question")
	require.Len(t, f.called("POST"), 2)
}

func TestTheReasonIsAskedFor(t *testing.T) {
	f := newActing(t)
	for _, line := range []string{"events discard evt_1 --yes", "events replay evt_1", "bulk"} {
		if line == "bulk" {
			line = "events retry --state stuck --yes"
		}
		_, errs, code := asked(t, line)
		require.Equal(t, exitUsage, code, line)
		require.Contains(t, errs, "give a reason for the audit: --reason")
	}
	require.Empty(t, f.called("POST"))
	out, errs, code := atTerminal(t.Context(), 80, "a test order\ny\n", "events", "discard", "evt_1")
	require.Zero(t, code, errs)
	require.Contains(t, out, "it is discarded")
	require.Contains(t, f.called("POST")[0], `{"reason":"a test order"}`)
	_, errs, code = atTerminal(t.Context(), 80, "\n", "events", "replay", "evt_1")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "nothing was done")
}

func TestAmend(t *testing.T) {
	f := newActing(t)
	body := filepath.Join(t.TempDir(), "body.json")
	amend := func(text string, more ...string) (out, errs string, code int) {
		require.NoError(t, os.WriteFile(body, []byte(text), 0o600))
		return program(t.Context(), append([]string{"events", "amend", "evt_1", "--body", body, "--reason", "test", "--yes"}, more...)...)
	}
	for text, says := range map[string]string{"": "is not an event", "[]": "is not an event", `{"id":"evt_2","type":"order.paid","data":{}}`: "holds the event evt_2, not evt_1"} {
		_, errs, code := amend(text)
		require.Equal(t, exitUsage, code)
		require.Contains(t, errs, says)
	}
	_, errs, code := asked(t, "events amend evt_1 --body nowhere.json --reason test --yes")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "nowhere.json")
	require.Empty(t, f.called("POST"))

	out, errs, code := amend(`{"id":"evt_1","type":"order.paid","data":{"id":"order_1","n":9007199254740993}}`, "--json")
	require.Zero(t, code, errs)
	require.Equal(t, "amended", document[acted](t, out).Done[0].Result)
	out, _, _ = amend(`{"id":"evt_1","type":"order.paid"}`)
	require.Contains(t, out, "its new body is recorded", "whether it goes on depends on Temporal")
	_, sent, _ := strings.Cut(f.called("POST")[0], "amend ")
	var request struct {
		Reason string
		Body   json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(sent), &request))
	require.Equal(t, "test", request.Reason)
	require.Contains(t, string(request.Body), "9007199254740993")
}

func TestWrongLinesOfOperators(t *testing.T) {
	newAdmin(t, map[string]any{"GET /api/events": &api.Problem{Type: api.ProblemInvalid, Status: 400, Detail: "the request is not valid",
		Errors: []api.FieldProblem{{Location: "query.cursor", Message: "it is not a next_cursor"}}}})
	for line, says := range map[string]string{
		"events retry":                                     "--all selects every event",
		"events retry evt_1 --state stuck":                 "IDs of events can't be combined",
		"events retry evt_1 --detach":                      "IDs of events can't be combined",
		"events retry --state stuck --rate 0":              "--rate must be",
		"events list --state odd":                          "--state",
		"events list --limit 0":                            "--limit must be",
		"events list --watch --json":                       "--watch can't be combined with --json",
		"events list --watch --all-pages":                  "--watch can't be combined with --all-pages",
		"status --watch --json":                            "--watch can't be combined with --json",
		"orders show order_1 --watch --json":               "--watch can't be combined with --json",
		"events show evt_1 --payload --json":               "--payload can't be combined with another flag",
		"events list --received-after soon":                `--received-after "soon" is neither a time`,
		"orders list --updated-before 2999-01-01":          `--updated-before "2999-01-01" is in the future`,
		"events amend evt_1":                               "--body",
		"events list --cursor odd":                         "query.cursor: it is not a next_cursor",
		"events discard " + strings.Repeat("evt_1 ", 1001): "give at most 1000 IDs of events",
	} {
		_, errs, code := asked(t, line)
		require.Equal(t, exitUsage, code, "%s: %s", line, errs)
		require.Contains(t, errs, says, line)
	}
}

func TestWhoCannotAskIsToldWhatToDo(t *testing.T) {
	newActing(t)
	t.Setenv("ADMIN_TOKEN", "hunter2")
	for _, line := range []string{"status", "events list", "events show evt_1", "events retry evt_1", "orders list", "orders show o", "refused list", "audit", "bulk show b"} {
		_, _, code := asked(t, line)
		require.Equal(t, exitUsage, code, line)
	}
	_, errs, code := asked(t, "status")
	require.Equal(t, exitUsage, code, "the environment is invalid, and nothing was done")
	require.Contains(t, errs, "set ADMIN_TOKEN")
	require.NotContains(t, errs, "hunter2")
	_, errs, _ = asked(t, "events retry evt_1 evt_2 --yes")
	require.Equal(t, 1, strings.Count(errs, "ADMIN_TOKEN"), "once is enough")
	t.Setenv("ADMIN_TOKEN", "")
	_, errs, code = asked(t, "events list")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "ADMIN_TOKEN: it is not set")
	t.Setenv("ADMIN_TOKEN", "hunter2")
	t.Setenv("ADMIN_URL", "http://127.0.0.1:1")
	_, errs, code = asked(t, "orders list")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "is ADMIN_URL correct, and is `inorder serve`")
	require.NotContains(t, errs, "hunter2")
}

// A token that may only read is a usage error of a command that acts; if it is refused after something was done, a failure.
func TestATokenThatMayNotActIsTheEnvironmentsMistake(t *testing.T) {
	f := newActing(t)
	f.set("POST /api/events/evt_2/retry", &api.Problem{Type: api.ProblemForbidden, Status: 403, Detail: "this token may see everything and change nothing"})
	_, errs, code := asked(t, "events retry evt_2")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "set ADMIN_TOKEN to a token that may change things")
	out, errs, code := asked(t, "events retry evt_1 evt_2 --yes")
	require.Equal(t, exitError, code, "something was done")
	require.Contains(t, out, "evt_1: ")
	require.Contains(t, errs, "after 1 of 2 events: this token may see everything")
}
