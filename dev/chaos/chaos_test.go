package chaos

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/chaos/check"
	"inorder/dev/stack"
	"inorder/dev/testenv"
)

// program is bin/inorder, built once for all tests.
var program string

func TestMain(m *testing.M) {
	stack.ClearEnvironment()
	dir, err := os.MkdirTemp("", "inorder-chaos-")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "inorder")
	if out, err := exec.Command("go", "build", "-o", program, "inorder/cmd/inorder").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build inorder: %v\n%s", err, out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func TestASeedDecidesEverything(t *testing.T) {
	require.Equal(t, newPlan(7, time.Minute, true), newPlan(7, time.Minute, true))
	require.NotEqual(t, newPlan(7, time.Minute, true), newPlan(8, time.Minute, true))
	one, again := newLoad(7), newLoad(7)
	for range 3 {
		require.Equal(t, one.wave(), again.wave())
	}
}

// The short form of make chaos.
func TestNothingIsLostWhateverFails(t *testing.T) {
	v, err := Run(t.Context(), Options{Seed: 1, Duration: 20 * time.Second, Program: program, Out: t.Output()})
	require.NoError(t, err)
	for _, note := range v.Notes {
		t.Log(note)
	}
	t.Log(v)
	require.Empty(t, v.Wrong, "logs are in %s", v.Dir)
	require.Positive(t, v.Events)
}

// The checker finds damage that the test does directly to the tables.
func TestTheCheckerFindsWhatIsPlanted(t *testing.T) {
	ctx := t.Context()
	s, sending, load := atRest(t)
	for _, test := range []struct{ name, sql, wrong string }{
		{"nothing", `SELECT 1`, ""},
		{"a lost event", plants["lost"], `expected a row or a running workflow, it was acknowledged; is nowhere`},
		{"a double effect", plants["double"], `expected refunded \w+ ("\d+"|missing), is "\d+"`},
		{"a wrong order", plants["wrong"], `expected status "\w+", is "\w+"`},
		{"an order that is gone", plants["never"], `expected status "[\w ]*", is missing`},
		{"an event that nobody gave up", plants["given-up"], `expected \[applied stale ignored\], is {webhook_events discarded}`},
		{"an event that nobody sent", `INSERT INTO webhook_events (event_id, type, outcome, payload) VALUES ('evt_x', 'order.paid', 'applied', '{}')`,
			`event evt_x: expected nothing, nobody sent it`},
		{"an event in two places", `INSERT INTO event_inbox (event_id, body, received_at, not_before) SELECT min(event_id), '', now(), now() FROM webhook_events`,
			`expected one place, is in \[{webhook_events \w+} {event_inbox inbox}\]`},
		{"an event that waits no more", `DELETE FROM pending_events WHERE phase = 'waiting'`, `expected a row or a running workflow`},
	} {
		t.Run(test.name, func(t *testing.T) {
			tx, err := s.pool.Begin(ctx)
			require.NoError(t, err)
			defer tx.Rollback(context.Background())
			tag, err := tx.Exec(ctx, test.sql)
			require.NoError(t, err)
			require.Positive(t, tag.RowsAffected())
			report, err := check.Check(ctx, tx, nil, sentBy(sending, load, newOperator(s, 1)))
			require.NoError(t, err)
			if test.wrong == "" {
				require.Empty(t, report.Wrong)
				return
			}
			require.Regexp(t, test.wrong, fmt.Sprint(report.Wrong))
		})
	}
	t.Run("each act of the operator is done", func(t *testing.T) { eachActIsDone(t, s, sending, load) })
}

// eachActIsDone requires each act to succeed once. A run ignores the acts' errors, so an act that always fails would go unnoticed.
func eachActIsDone(t *testing.T, s *system, sending *sending, load *load) {
	ctx, o := t.Context(), newOperator(s, 1)
	takesAway := func(a act) bool { return a.name == "terminate" || a.name == "delete" }
	for _, last := range []bool{false, true} {
		for i, a := range acts {
			if takesAway(a) != last {
				continue
			}
			require.Eventually(t, func() bool { // retried, because the event may have ended since it was drawn
				id := o.on(ctx, a)
				return id != "" && o.do(ctx, a, id) == nil
			}, testenv.Patience, 100*time.Millisecond, "act %d, %s", i, a.name)
		}
	}
	require.Equal(t, len(acts), o.acts)
	require.Contains(t, slices.Collect(maps.Values(o.amended)), true)
	if err := s.settle(ctx, sending.acknowledged(), o.lost, testenv.Patience); err != nil {
		logHistories(t, s)
		require.NoError(t, err)
	}
	report, err := s.judge(ctx, sending, load, o)
	require.NoError(t, err)
	require.Empty(t, report.Wrong)

	t.Run("and the checker finds an amendment that was lost", func(t *testing.T) {
		poison, err := s.ids(ctx, `SELECT event_id FROM pending_events WHERE phase = 'attention' LIMIT 1`)
		require.NoError(t, err)
		for amended, wrong := range map[bool]string{false: `^\[\]$`, true: `expected \[(applied stale ignored|ignored waiting stuck)`} {
			o.amended[poison[0]] = amended
			report, err := s.judge(ctx, sending, load, o)
			require.NoError(t, err)
			require.Regexp(t, wrong, fmt.Sprint(report.Wrong))
		}
	})
}

// logHistories logs the histories of workflows that still run for events that don't wait.
func logHistories(t *testing.T, s *system) {
	require.NoError(t, s.histories(t.Context()))
	files, err := filepath.Glob(filepath.Join(s.dir, "*.history"))
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		t.Logf("%s:\n%s", filepath.Base(file), text)
	}
}

// atRest returns a settled system that has received a few orders, without faults.
func atRest(t *testing.T) (*system, *sending, *load) {
	dir := t.TempDir()
	s, err := startSystem(t.Context(), Options{Seed: 1, Program: program, Out: t.Output()}, dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })
	sending, err := newSending(1, s.urls, s.plan.receivers(), filepath.Join(dir, "deliveries.jsonl"), &s.quiet)
	require.NoError(t, err)
	load := newLoad(1)
	for range 3 {
		sending.send(t.Context(), load.wave())
	}
	sending.send(t.Context(), load.last())
	require.NoError(t, s.finish(t.Context(), sending, testenv.Patience))
	require.NoError(t, s.settle(t.Context(), sending.acknowledged(), nil, testenv.Patience))
	return s, sending, load
}
