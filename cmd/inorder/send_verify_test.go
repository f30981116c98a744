package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
)

// fateOf answers that each event of the receiver has ended, except for one that nobody knows, and one that waits.
func fateOf(f *fakeReceiver, lost, waits int) func(*http.Request, []byte) any {
	return func(r *http.Request, _ []byte) any {
		id := strings.TrimPrefix(r.URL.Path, "/api/events/")
		for i := range f.bodies {
			switch {
			case i == lost || !strings.Contains(f.bodies[i], id):
			case i == waits:
				return api.EventView{Event: api.Event{EventID: id, State: api.StateWaiting}}
			default:
				return api.EventView{Event: api.Event{EventID: id, State: api.StateEnded, Outcome: "applied"}}
			}
		}
		return &api.Problem{Type: api.ProblemNotFound, Status: 404, Detail: "there is no event"}
	}
}

func TestSendKeepsTheIDsAndVerifies(t *testing.T) {
	f := newFake(t)
	lost, waits := -1, -1
	admin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(&fakeAdmin{answers: map[string]any{"GET " + r.URL.Path: fateOf(f, lost, waits)}}).ServeHTTP(w, r)
	})
	t.Setenv("ADMIN_TOKEN", "token_1")
	t.Setenv("ADMIN_URL", serverOf(t, admin))
	ids := filepath.Join(t.TempDir(), "ids")
	out, errs, code := sendEvents(t, "order.created", "--repeat", "30", "--concurrency", "4", "--ids", ids, "--verify")
	require.Zero(t, code, errs)
	require.Contains(t, out, "30 acknowledged events after")
	require.Contains(t, out, "      30  applied")
	kept, err := os.ReadFile(ids)
	require.NoError(t, err)
	require.Len(t, strings.Fields(string(kept)), 30)
	for i := range f.bodies {
		require.Contains(t, string(kept), f.event(t, i).ID)
	}

	waits = 3
	out, errs, code = sendEvents(t, "--verify", "--ids", ids, "--wait", "700ms")
	require.Equal(t, exitWrong, code)
	require.Contains(t, out, "       1  waiting")
	require.Contains(t, errs, "1 acknowledged event has not ended, of 30")
	waits = -1

	lost = 7
	_, errs, code = sendEvents(t, "--verify", "--ids", ids, "--wait", "700ms")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "1 of 30 acknowledged events did not end, and nothing changed for 700ms: "+f.event(t, 7).ID)
	require.Len(t, f.bodies, 30, "nothing was sent")
}

func TestVerifyNeedsSomebodyToAsk(t *testing.T) {
	f := newFake(t)
	t.Setenv("ADMIN_TOKEN", "")
	for line, says := range map[string]string{
		"order.created --verify":                         "--verify needs DATABASE_URL, or ADMIN_TOKEN",
		"--verify":                                       "say what to send",
		"order.created --bad-signature --verify":         "nothing for --verify",
		"--story refunds --verify":                       "--story decides",
		"order.created --ids /nowhere/at/all --verify":   "--verify needs",
		"--verify --ids /nowhere/at/all order.created x": "unexpected argument",
	} {
		_, errs, code := sendEvents(t, strings.Fields(line)...)
		require.Equal(t, exitUsage, code, line)
		require.Contains(t, errs, says, line)
	}
	require.Empty(t, f.bodies, "nothing is sent that could not be verified")
	_, errs, code := sendEvents(t, "order.created", "--ids", "/nowhere/at/all")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "--ids: open /nowhere/at/all")
}

func TestATokenThatIsNotKnownAfterSendingIsAFailure(t *testing.T) {
	f := newFake(t)
	t.Setenv("ADMIN_TOKEN", "token_2")
	t.Setenv("ADMIN_URL", serverOf(t, &fakeAdmin{}))
	ids := filepath.Join(t.TempDir(), "ids")
	_, errs, code := sendEvents(t, "order.created", "--ids", ids, "--verify")
	require.Len(t, f.bodies, 1)
	require.Equal(t, exitError, code, "events were sent")
	require.Contains(t, errs, "set ADMIN_TOKEN")
	_, errs, code = sendEvents(t, "--verify", "--ids", ids)
	require.Equal(t, exitUsage, code, errs)
}
