package workflows_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/worker"

	"inorder"
	"inorder/dev/testenv"
	"inorder/worker"
	"inorder/workflows"
)

// fixtures are histories of landed code, by file. Changed workflows must be able to continue from each of them.
var fixtures = map[string]func(*system) inorder.Event{
	"applied": func(s *system) inorder.Event {
		s.work()
		e := s.event("order.created", confirmed)
		s.result(s.begin(e))
		return e
	},
	"waiting_then_released": func(s *system) inorder.Event {
		waits, _ := release(s)
		return waits
	},
	"created_and_released_others": func(s *system) inorder.Event {
		_, creates := release(s)
		return creates
	},
	"stuck_then_discarded": func(s *system) inorder.Event {
		s.work(shortWait)
		e := s.event("order.paid", "")
		run := s.begin(e)
		s.awaitPhase(e, workflows.PhaseStuck)
		s.signal(e, workflows.SignalDiscard, workflows.Discard{Reason: "a test order", Actor: "ops"})
		s.result(run)
		return e
	},
	"attention_then_retried": func(s *system) inorder.Event {
		s.work()
		e := s.eventAt("order.created", time.Now().Add(2*time.Hour), confirmed)
		run := s.begin(e)
		s.awaitPhase(e, workflows.PhaseAttention)
		s.work(func(o *worker.Options) { o.MaxEventSkew = 3 * time.Hour })
		s.signal(e, workflows.SignalRetry, nil)
		s.result(run)
		return e
	},
	"failed_then_applied": func(s *system) inorder.Event {
		s.work()
		back := s.stopDatabase()
		e := s.event("order.created", confirmed)
		run := s.begin(e)
		s.awaitPhase(e, workflows.PhaseApplying)
		back()
		s.result(run)
		return e
	},
	"retried_and_canceled_at_once": func(s *system) inorder.Event {
		s.work()
		e := s.event("order.paid", "")
		run := s.begin(e)
		s.awaitPhase(e, workflows.PhaseWaiting)
		s.rest() // so that one workflow task delivers both
		s.signal(e, workflows.SignalRetry, nil)
		require.NoError(s, s.client.CancelWorkflow(s.Context(), e.ID, ""))
		s.work()
		s.result(run)
		return e
	},
	"canceled_then_released_others": func(s *system) inorder.Event {
		s.work()
		waits, e := s.event("order.paid", ""), s.event("order.created", confirmed)
		s.begin(waits)
		s.awaitPhase(waits, workflows.PhaseWaiting)
		// As if an attempt to apply the event had committed and its answer had been lost.
		s.exec(`INSERT INTO webhook_events (event_id, type, order_id, outcome, occurred_at, payload) VALUES ($1, $2, $3, 'applied', now(), '{}')`, e.ID, e.Type, s.order)
		s.exec(`ALTER TABLE orders RENAME TO orders_away`)
		run := s.begin(e)
		s.awaitPhase(e, workflows.PhaseApplying)
		require.NoError(s, s.client.CancelWorkflow(s.Context(), e.ID, ""))
		s.settled(e)
		s.exec(`ALTER TABLE orders_away RENAME TO orders`)
		s.result(run)
		return e
	},
	"waiting_then_reconciled": reconciled,
	"orders_reconciled": func(s *system) inorder.Event {
		shop, ask := newPlatform(s.T)
		s.place(shop, "pay")
		s.work(ask)
		require.Equal(s, 1, s.reconcile(workflows.ReconcileInput{Grace: time.Millisecond}).Missing)
		return inorder.Event{ID: s.reconcileID()}
	},
}

func release(s *system) (waits, creates inorder.Event) {
	s.work()
	waits, creates = s.event("order.paid", ""), s.event("order.created", confirmed)
	run := s.begin(waits)
	s.awaitPhase(waits, workflows.PhaseWaiting)
	s.result(s.begin(creates))
	s.result(run)
	return waits, creates
}

func fixture(name string) string { return filepath.Join("testdata", name+".json") }

func TestHistoriesOfLandedCodeReplay(t *testing.T) {
	files, err := filepath.Glob(fixture("*"))
	require.NoError(t, err)
	require.Subset(t, files, fixtureFiles(), "record what is missing: make fixtures")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			r, err := sdk.NewWorkflowReplayerWithOptions(sdk.WorkflowReplayerOptions{DisableDeadlockDetection: true}) // it takes a stalled machine for a deadlock
			require.NoError(t, err)
			workflows.Register(r)
			require.NoError(t, r.ReplayWorkflowHistoryFromJSONFile(log.NewStructuredLogger(testenv.Log), file))
		})
	}
}

func fixtureFiles() (files []string) {
	for name := range recordings() {
		files = append(files, fixture(name))
	}
	return files
}

// recordings returns all fixtures by name, with the functions that play them.
func recordings() map[string]func(*system) client.WorkflowRun {
	all := maps.Clone(actFixtures)
	for name, play := range fixtures {
		all[name] = func(s *system) client.WorkflowRun { return s.client.GetWorkflow(s.Context(), play(s).ID, "") }
	}
	return all
}

// TestRecordFixtures implements make fixtures. It records from real servers, only when asked to, and only missing fixtures: a
// fixture of code that has changed since can't be recorded again. Otherwise it checks that none is missing.
func TestRecordFixtures(t *testing.T) {
	require.NoError(t, os.MkdirAll("testdata", 0o755))
	for name, play := range recordings() {
		if _, err := os.Stat(fixture(name)); err == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			require.NotEmpty(t, os.Getenv("RECORD_FIXTURES"), "its fixture is missing: run make fixtures")
			s := newSystem(t)
			run := play(s)
			history := &historypb.History{}
			events := s.client.GetWorkflowHistory(t.Context(), run.GetID(), run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
			for events.HasNext() {
				event, err := events.Next()
				require.NoError(t, err)
				history.Events = append(history.Events, event)
			}
			text, err := temporalproto.CustomJSONMarshalOptions{Indent: "  "}.Marshal(history)
			require.NoError(t, err)
			host, err := os.Hostname() // it is part of the names of the workers' own task queues
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(fixture(name), []byte(strings.ReplaceAll(string(text), host, "worker")+"\n"), 0o644))
		})
	}
}
