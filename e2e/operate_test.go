package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/api"
)

// exitWaits is the exit code of `send --verify` if no event is lost but some wait.
const exitWaits = 3

const adminToken = "token_of_the_end_to_end_tests"

// newOperated returns a running system with an admin API that its commands find.
func newOperated(t *testing.T, env ...string) *system {
	s := newSystem(t, append(env, adminEnv(t)...)...)
	s.serve()
	s.env = append(s.env, "RECEIVER_URL="+s.url)
	return s
}

// adminEnv returns the environment of an admin API and of the commands that use it.
func adminEnv(t *testing.T) []string {
	address := freeAddr(t)
	return []string{"ADMIN_ADDR=" + address, "ADMIN_URL=http://" + address, "ADMIN_TOKEN=" + adminToken}
}

// operate runs a command, given as words separated by blanks, requires the exit code and returns the output.
func (s *system) operate(code int, line string) string {
	s.t.Helper()
	out, got := s.run(strings.Fields(line)...)
	require.Equal(s.t, code, got, "%s: %s", line, out)
	return out
}

// events returns the IDs that `inorder events list` finds, or none if the command fails. It ignores standard error.
func (s *system) events(filter string) (ids []string) {
	cmd := exec.Command(program, append([]string{"events", "list", "--json"}, strings.Fields(filter)...)...)
	cmd.Env = s.env
	out, err := cmd.Output()
	var page api.Page[api.Event]
	if err != nil || json.Unmarshal(out, &page) != nil {
		return nil
	}
	for _, e := range page.Data {
		ids = append(ids, e.EventID)
	}
	return ids
}

func (s *system) isIn(state, id string) bool {
	return slices.Equal(s.events("--state "+state+" --order order_1"), []string{id})
}

// TestAnOperatorWorksOnAnEvent follows one event from its receipt to its end, as an operator sees it and acts on it.
func TestAnOperatorWorksOnAnEvent(t *testing.T) {
	t.Parallel()
	s := newOperated(t)
	s.operate(0, "send order.paid --order order_1 --id evt_early")
	s.eventually("it is shown as waiting", func() bool { return s.isIn("waiting", "evt_early") })
	require.Regexp(t, `waiting +1 `, s.operate(0, "status"))
	out := s.operate(0, "events show evt_early")
	require.Contains(t, out, "It is waiting")
	require.Contains(t, out, "inorder events discard evt_early")
	require.Contains(t, s.operate(0, "orders blocked order_1"), "evt_early")
	require.Contains(t, s.operate(1, "orders show order_1"), "There is no such order here.")

	s.eventually("it is retried", func() bool { // a busy Temporal may fail to confirm; repeating does no harm
		_, code := s.run("events", "retry", "evt_early")
		return code == 0
	})
	require.Contains(t, s.operate(2, "events discard evt_early --reason wrong"), "add --yes")
	s.operate(0, "events discard evt_early --reason wrong --yes")
	require.Equal(t, "discarded", s.outcome("evt_early"))
	s.eventually("its run has ended, and a replay fits", func() bool {
		out, code := s.run("events", "retry", "evt_early")
		return code == 1 && strings.Contains(out, "inorder events replay evt_early")
	})

	s.eventually("it is replayed", func() bool { // a busy Temporal may fail to confirm; repeating does no harm
		_, code := s.run("events", "replay", "evt_early", "--reason", "undo")
		return code == 0 || s.isIn("waiting", "evt_early")
	})
	s.eventually("it waits again", func() bool { return s.isIn("waiting", "evt_early") })
	s.operate(0, "send order.created --order order_1 --at -10m --verify --wait 1m")
	s.eventually("it is applied", func() bool { return s.outcome("evt_early") == "applied" })
	out = s.operate(0, "orders show order_1")
	require.Regexp(t, `payment_status +paid`, out)
	require.Contains(t, out, "evt_early")
	require.Contains(t, out, "HEADLESS_COMMERCE_API_KEY is not set")

	out = s.operate(0, "audit --event evt_early")
	for _, what := range []string{"retry", "discard", "replay"} {
		require.Regexp(t, `admin +`+what+` +evt_early`, out)
	}
	require.Contains(t, s.operate(1, "events show evt_none"), "inorder events list")
}

func TestAnOperatorRetriesMany(t *testing.T) {
	t.Parallel()
	s := newOperated(t)
	s.operate(exitWaits, "send order.paid --order order_1 --repeat 30 --concurrency 8 --verify --wait 1m")
	s.eventually("all are shown", func() bool { return len(s.events("--state waiting --limit 200")) == 30 })
	require.Contains(t, s.operate(0, "events retry --state waiting --preview"), "30 events. Nothing was changed.")
	require.Contains(t, s.operate(0, "events retry --state stuck --reason test"), "No events match.")
	out := s.operate(0, "events discard --state waiting --reason test --yes --rate 100")
	require.Contains(t, out, "30 of 30")
	s.eventually("all are given up", func() bool { return len(s.events("--outcome discarded --all-pages")) == 30 })
	require.Contains(t, s.operate(2, "events list --json --limit 1 --cursor nonsense"), "cursor")
}

func TestWhoHasNoTokenIsToldSo(t *testing.T) {
	t.Parallel()
	s := newOperated(t)
	s.env = append(s.env, "ADMIN_TOKEN=another")
	out := s.operate(2, "status")
	require.Contains(t, out, "ADMIN_TOKEN")
	require.NotContains(t, out, "another\n")
	require.NotContains(t, s.log(), adminToken)
}

// A bulk action is stopped halfway. What it did stays done; the rest is listed and unchanged.
func TestAnOperatorStopsABulkAction(t *testing.T) {
	t.Parallel()
	s := newOperated(t)
	s.operate(exitWaits, "send order.paid --order order_1 --repeat 30 --concurrency 8 --verify --wait 1m") // they wait
	s.eventually("all are shown", func() bool { return len(s.events("--state waiting --limit 200")) == 30 })
	started := s.operate(0, "events discard --state waiting --reason test --yes --rate 1 --detach")
	id := regexp.MustCompile(`inorder-bulk-\S+`).FindString(started)
	s.eventually("its progress is shown", func() bool {
		out, code := s.run("bulk", "show", id)
		return code == 0 && regexp.MustCompile(`█*·+ [1-9]\d? of 30`).MatchString(out)
	})
	require.Regexp(t, `state +stopped`, s.operate(0, "bulk stop "+id+" --reason enough --yes"))
	s.operate(0, "bulk stop "+id+" --yes") // repeating does no harm

	var b api.Bulk
	s.eventually("what was under way is finished", func() bool {
		out, code := s.run("bulk", "show", id, "--json")
		b = api.Bulk{}
		return code == 0 && json.Unmarshal([]byte(out), &b) == nil && b.Done == s.count(`SELECT count(*) FROM webhook_events WHERE outcome = 'discarded'`)
	})
	require.Positive(t, b.Done)
	require.Less(t, b.Done, 30)
	require.ElementsMatch(t, s.events("--state waiting --limit 200"), b.NotDone, "the rest waits as before")
	out := s.operate(0, "bulk show "+id)
	require.Contains(t, out, fmt.Sprintf("%d of 30", b.Done))
	require.Contains(t, out, "NOT DONE")
	require.Contains(t, out, b.NotDone[len(b.NotDone)-1])
	require.Regexp(t, `admin +stop .*stopped after \d+ of 30`, s.operate(0, "audit"))
}
