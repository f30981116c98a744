package workflows_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/operate"
	sweeping "inorder/internal/sweep"
	"inorder/workflows"
)

// parkedEvent returns an event that needs a person, and that can be applied once its body is corrected.
func (s *system) parkedEvent() inorder.Event {
	s.Helper()
	e := s.event("order.created", `,"status":7`)
	s.begin(e)
	s.awaitPhase(e, workflows.PhaseAttention)
	return e
}

func TestAnAmendedEventIsApplied(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.parkedEvent()
	d, err := s.operator().Amend(t.Context(), e.ID, s.amended(e, "order.created", confirmed), byAda)
	require.NoError(t, err)
	require.Equal(t, "amended", d.Result)
	require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), e.ID, "")).Outcome)
	require.Equal(t, "confirmed", s.text(`SELECT status FROM orders`))
	s.oneRow(e.ID)
	require.Equal(t, "ada amend api amended", s.audit(e.ID))
	require.Contains(t, s.input(s.client.GetWorkflow(t.Context(), e.ID, "")), "confirmed", "the UI shows what is applied")
}

func TestABodyThatIsNotTheEventsIsRefused(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.parkedEvent()
	for name, body := range map[string]string{
		"no JSON":            `{`,
		"no object":          `[]`,
		"no type":            `{"id":"` + e.ID + `"}`,
		"another event's":    `{"id":"evt_other","type":"order.paid"}`,
		"one made here":      `{"id":"` + e.ID + `","type":"order.reconciled"}`,
		"too large":          `{"id":"` + e.ID + `","type":"order.paid","x":"` + strings.Repeat("x", 1<<20) + `"}`,
		"what jsonb refuses": `{"id":"` + e.ID + `","type":"order.paid","x":1e400000}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.operator().Amend(t.Context(), e.ID, []byte(body), byAda)
			var invalid *operate.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, "body.body", invalid.Location)
		})
	}
	require.Empty(t, s.audit(e.ID))
	_, err := s.operator().Amend(t.Context(), e.ID, []byte(`{"type":"order.paid","created_at":"2025-01-15T10:00:00Z","data":{"id":"`+s.order+`"}}`), byAda)
	require.NoError(t, err, "a body without an ID is the event's")
	s.eventually("it waits", func() bool { return s.text(`SELECT phase FROM pending_events WHERE event_id = $1`, e.ID) == "waiting" })
}

// The event's workflow has the old body until it is replaced, but applies the new one all the same.
func TestAnAmendmentIsNotLostWhileTemporalIsAway(t *testing.T) {
	for name, goOn := range map[string]func(*system, inorder.Event){
		"and a retry applies it": func(s *system, e inorder.Event) { s.signal(e, workflows.SignalRetry, nil) },
		"and a run that was terminated is brought back with it": func(s *system, e inorder.Event) {
			require.NoError(s, s.client.TerminateWorkflow(s.Context(), e.ID, "", "a mistake"))
			(&phased{system: s, e: e}).sweep(false, func(r sweeping.Report) bool { return r.Started > 0 }) // once too often does no harm
		},
		"and so does a redelivery of the old body": func(s *system, e inorder.Event) {
			require.NoError(s, s.client.TerminateWorkflow(s.Context(), e.ID, "", "a mistake"))
			s.begin(e)
		},
		"and it can be given up": func(s *system, e inorder.Event) {
			_, err := s.operator().Discard(s.Context(), e.ID, byAda)
			require.NoError(s, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t)
			s.work()
			e := s.parkedEvent()
			d, err := s.withoutTemporal().Amend(t.Context(), e.ID, s.amended(e, "order.created", confirmed), byAda)
			require.NoError(t, err)
			require.Contains(t, d.Detail, "retry the event")
			goOn(s, e)
			s.eventually("it ends", func() bool { return s.outcome(e.ID) != "" })
			require.Contains(t, s.text(`SELECT payload FROM webhook_events`), "confirmed")
			s.oneRow(e.ID)
		})
	}
}

func TestAmendingBesideRetries(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.parkedEvent()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			_, err := s.operator().Retry(t.Context(), e.ID, byAda)
			var unfit *operate.UnfitError
			require.True(t, err == nil || errors.As(err, &unfit), err)
		})
		all.Go(func() {
			_, err := s.operator().Amend(t.Context(), e.ID, s.amended(e, "order.created", confirmed), byAda)
			var unfit *operate.UnfitError
			require.True(t, err == nil || errors.As(err, &unfit), err)
		})
	}
	all.Wait()
	s.eventually("it is applied", func() bool { return s.outcome(e.ID) == "applied" })
	require.Equal(t, "confirmed", s.text(`SELECT status FROM orders`))
	s.oneRow(e.ID)
}

func TestDiscardingBesideApplying(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	var all sync.WaitGroup
	var events []inorder.Event
	for range 10 {
		e := s.event("product.updated", "")
		events = append(events, e)
		s.begin(e)
		all.Go(func() {
			_, err := s.operator().Discard(t.Context(), e.ID, byAda)
			var unfit *operate.UnfitError
			require.True(t, err == nil || errors.As(err, &unfit), err)
			require.Equal(t, err == nil, s.outcome(e.ID) == "discarded", "what was answered is so")
		})
	}
	all.Wait()
	for _, e := range events {
		s.result(s.client.GetWorkflow(t.Context(), e.ID, ""))
		s.oneRow(e.ID)
	}
}

func TestWhatPeopleDoInTemporalIsRecorded(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	waits := func() inorder.Event {
		e := s.event("order.paid", "")
		s.begin(e)
		s.awaitPhase(e, workflows.PhaseWaiting)
		return e
	}
	t.Run("a retry", func(t *testing.T) {
		e := waits()
		s.signal(e, workflows.SignalRetry, nil)
		s.eventually("it is recorded", func() bool { return s.audit(e.ID) == "test retry temporal signaled" })
		s.eventually("it has ended", func() bool { return time.Since(s.state(e.ID).Since) > 0 })
		s.signal(e, workflows.SignalRetry, workflows.Retry{Reason: "now", Actor: "ops"})
		s.eventually("once each", func() bool { return strings.Count(s.audit(e.ID), "retry temporal") == 2 })
		require.Equal(t, "now", s.text(`SELECT reason FROM audit_log WHERE event_id = $1 ORDER BY id DESC LIMIT 1`, e.ID))
	})
	t.Run("a discard", func(t *testing.T) {
		e := waits()
		s.signal(e, workflows.SignalDiscard, workflows.Discard{Reason: "a test order", Actor: "ops"})
		s.eventually("it is recorded", func() bool { return s.audit(e.ID) == "test discard temporal discarded" })
	})
	t.Run("a discard that passes for one of the API", func(t *testing.T) {
		e := waits()
		s.signal(e, workflows.SignalDiscard, workflows.Discard{Reason: "a test order", Actor: "ada", ActID: "made up"})
		s.eventually("it is recorded", func() bool { return s.audit(e.ID) == "test discard temporal discarded" })
	})
	t.Run("a cancellation", func(t *testing.T) {
		e := waits()
		require.NoError(t, s.client.CancelWorkflow(t.Context(), e.ID, ""))
		s.eventually("it is recorded", func() bool { return s.audit(e.ID) == "test cancel temporal discarded" })
	})
}
