package workflows_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/platform"
	"inorder/internal/sample"
	"inorder/worker"
	"inorder/workflows"
)

// askAt makes the system's workers ask handler, as the platform, at an event's first attempt. The client never gives a request up to send it
// again: handler could still have the old one then, and would count both.
func (s *system) askAt(handler http.Handler) func(*worker.Options) {
	c := testenv.Platform(s, testenv.API(s, handler), standin.DefaultKey, func(o *platform.Options) { o.AttemptTimeout = 2 * testenv.Patience })
	return func(o *worker.Options) {
		o.Platform, o.ReconcileWindow, o.Wait.AskAfter = c, 72*time.Hour, time.Nanosecond
	}
}

// beginMany starts events, several at a time.
func (s *system) beginMany(events []inorder.Event) []client.WorkflowRun {
	s.Helper()
	runs := make([]client.WorkflowRun, len(events))
	var starts sync.WaitGroup
	for half := range 8 {
		starts.Go(func() {
			for i := half; i < len(events); i += 8 {
				options, body, receipt := workflows.StartRequest(s.queue, events[i])
				var err error
				if runs[i], err = s.client.ExecuteWorkflow(s.Context(), options, workflows.ProcessEventType, body, receipt); err != nil {
					s.Error(err)
				}
			}
		})
	}
	starts.Wait()
	require.False(s, s.Failed())
	return runs
}

func TestManyEventsOfOneUnknownOrderAskOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	shop, _ := testenv.StandIn(t, standin.Options{})
	s.place(shop, "pay")
	var known atomic.Bool
	var asked atomic.Int32
	s.work(s.askAt(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1); !known.Load() {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		shop.ServeHTTP(w, r)
	})))
	events := make([]inorder.Event, 200)
	for i := range events {
		events[i] = s.event("order.paid", "")
	}
	begun := time.Now()
	runs := s.beginMany(events)
	for _, e := range events {
		s.eventually("it waits, and has its answer", func() bool {
			return s.state(e.ID).Phase == workflows.PhaseWaiting && s.pendingActivities(e) == 0
		})
	}
	require.Positive(t, asked.Load())
	most := func() int32 { return 2 + int32(time.Since(begun)/(10*time.Second)) } // with one to spare
	require.LessOrEqual(t, asked.Load(), most(), "one question, and another one each ten seconds")
	t.Logf("%d events made %d requests", len(events), asked.Load())

	known.Store(true)
	s.eventually("one of them brings the order", func() bool {
		if s.text(`SELECT count(*) FROM orders`) == "1" {
			return true
		}
		_ = s.client.SignalWorkflow(t.Context(), events[0].ID, "", workflows.SignalRetry, nil) // the error is ignored, because the event may have ended
		return false
	})
	for _, run := range runs {
		require.Equal(t, inorder.Stale, s.result(run).Outcome, "the order that was fetched tells it all")
	}
	require.Equal(t, "0", s.text(`SELECT count(*) FROM pending_events`))
	require.LessOrEqual(t, asked.Load(), most())
}

// promptly requires that run does not take long: less than the two minutes for which an activity would wait for the platform.
func (s *system) promptly(what string, run func()) {
	s.Helper()
	start := time.Now()
	run()
	require.Less(s, time.Since(start), time.Minute, what)
}

func TestAPlatformThatHangsHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	released := make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	t.Cleanup(release)
	var now, most atomic.Int32
	s.work(s.askAt(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		select {
		case <-released:
			w.WriteHeader(http.StatusNotFound)
		case <-r.Context().Done():
		}
	})))
	mine := s.order
	events := make([]inorder.Event, 60)
	for i := range events {
		s.order = sample.NewID("order_") // one order for each event, so that each asks a question of its own
		events[i] = s.event("order.paid", "")
	}
	s.order = mine
	runs := s.beginMany(events)
	s.eventually("the platform is being asked", func() bool { return now.Load() == 8 })
	s.eventually("all of them wait", func() bool { return s.text(`SELECT count(*) FROM pending_events`) == "60" })

	s.promptly("the fast path", func() {
		require.Equal(t, inorder.Applied, s.result(s.begin(s.event("order.created", confirmed))).Outcome)
	})
	s.promptly("an activity of an event that waits", func() {
		s.signal(events[0], workflows.SignalDiscard, workflows.Discard{Reason: "a test order", Actor: "ops"})
		require.Equal(t, inorder.Discarded, s.result(runs[0]).Outcome)
	})
	back := s.stopDatabase()
	e := s.event("order.fulfilled", "")
	run := s.begin(e)
	s.awaitPhase(e, workflows.PhaseApplying)
	s.promptly("the slow path", func() {
		back()
		require.Equal(t, inorder.Applied, s.result(run).Outcome)
	})
	require.EqualValues(t, 8, most.Load(), "no more wait for the platform at once")
	release()
	s.eventually("the others get their answers", func() bool { return s.pendingActivities(events[59]) == 0 })
	require.Contains(t, strings.ToLower(s.state(events[59].ID).Detail), "not been created")
}
