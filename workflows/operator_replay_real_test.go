package workflows_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/operate"
	"inorder/internal/store"
	sweeping "inorder/internal/sweep"
	"inorder/worker"
	"inorder/workflows"
)

func TestAReplay(t *testing.T) {
	t.Parallel()
	t.Run("undoes a discard", func(t *testing.T) {
		s := newSystem(t)
		s.work()
		e := s.discardedEvent()
		s.result(s.begin(s.event("order.created", confirmed)))
		require.Equal(t, "", s.text(`SELECT payment_status FROM orders`))
		d := s.replay(e)
		require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), d.WorkflowID, "")).Outcome)
		require.Equal(t, "paid", s.text(`SELECT payment_status FROM orders`))
		s.oneRow(e.ID)
		require.Regexp(t, `^ada discard api discarded; ada replay api now applied\. Previously it had ended as discarded at .*, via workflow: because \(by ada\)$`, s.audit(e.ID))
	})
	t.Run("of what was applied changes nothing", func(t *testing.T) {
		s := newSystem(t)
		s.work()
		e := s.event("order.created", confirmed)
		s.result(s.begin(e))
		s.result(s.begin(s.eventAt("order.updated", time.Now(), `,"status":"cancelled"`)))
		row := s.text(`SELECT (o.*, w.*)::text FROM orders o, webhook_events w WHERE event_id = $1`, e.ID)
		d := s.replay(e)
		require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), d.WorkflowID, "")).Outcome)
		require.Equal(t, row, s.text(`SELECT (o.*, w.*)::text FROM orders o, webhook_events w WHERE event_id = $1`, e.ID))
		require.Contains(t, s.audit(e.ID), "ada replay api still applied: the replay changed nothing. Previously it had ended as ")
		require.NotEqual(t, d.WorkflowID, s.replay(e).WorkflowID, "another replay is another workflow")
	})
	t.Run("of an event whose workflow and order are gone waits, and is released", func(t *testing.T) {
		s := newSystem(t)
		s.work()
		e := s.discardedEvent()
		d := s.replay(e)
		s.eventually("it waits", func() bool {
			return s.text(`SELECT phase FROM pending_events WHERE workflow_id = $1`, d.WorkflowID) == "waiting"
		})
		s.oneRow(e.ID)
		_, err := s.operator().Replay(t.Context(), e.ID, byAda)
		unfit(t, err, api.Retry, api.Discard)
		s.result(s.begin(s.event("order.created", confirmed)))
		require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), d.WorkflowID, "")).Outcome)
		s.oneRow(e.ID)
	})
}

func TestOfTwoReplaysAtOnceOneWaits(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.discardedEvent()
	s.rest() // so that the second one is asked for before the first has undone the end
	ids := []string{s.replay(e).WorkflowID, s.replay(e).WorkflowID}
	s.work()
	var waits string
	s.eventually("it waits", func() bool {
		waits = s.text(`SELECT workflow_id FROM pending_events WHERE event_id = $1`, e.ID)
		return waits != ""
	})
	other := ids[0]
	if other == waits {
		other = ids[1]
	}
	require.Equal(t, inorder.Waiting, s.result(s.client.GetWorkflow(t.Context(), other, "")).Outcome, "it ends")
	require.Equal(t, waits, s.text(`SELECT workflow_id FROM pending_events WHERE event_id = $1`, e.ID))
	s.result(s.begin(s.event("order.created", confirmed)))
	require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), waits, "")).Outcome)
	s.oneRow(e.ID)
}

func TestAReplayOfWhatCouldNotEnd(t *testing.T) {
	t.Parallel()
	t.Run("of what had expired waits as long as a new one", func(t *testing.T) {
		s := newSystem(t)
		s.work(shortWait, func(o *worker.Options) { o.Wait.TTL = 300 * time.Millisecond })
		e := s.event("order.paid", "")
		require.Equal(t, inorder.Expired, s.result(s.begin(e)).Outcome)
		s.work()
		d := s.replay(e)
		s.eventually("it waits", func() bool {
			return s.text(`SELECT phase FROM pending_events WHERE workflow_id = $1`, d.WorkflowID) == "waiting"
		})
		done, err := s.operator().Discard(t.Context(), e.ID, byAda)
		require.NoError(t, err)
		require.Equal(t, d.WorkflowID, done.WorkflowID)
		require.Equal(t, inorder.Discarded, s.result(s.client.GetWorkflow(t.Context(), d.WorkflowID, "")).Outcome)
	})
	t.Run("while Temporal is away is refused", func(t *testing.T) {
		s := newSystem(t)
		s.work()
		e := s.event("product.updated", "")
		s.result(s.begin(e))
		_, err := s.withoutTemporal().Replay(t.Context(), e.ID, byAda)
		unavailable(t, err, "temporal")
		require.Empty(t, s.audit(e.ID))
	})
	t.Run("of what was given up because it could not be read needs a person, who amends it", func(t *testing.T) {
		s := newSystem(t)
		s.work()
		e := s.event("order.created", `,"x":1e400000`)
		s.begin(e)
		s.awaitPhase(e, workflows.PhaseAttention)
		_, err := s.operator().Discard(t.Context(), e.ID, byAda)
		require.NoError(t, err)
		d := s.replay(e)
		s.eventually("it needs a person", func() bool {
			return s.text(`SELECT phase FROM pending_events WHERE workflow_id = $1`, d.WorkflowID) == "attention"
		})
		s.oneRow(e.ID)
		_, err = s.operator().Amend(t.Context(), e.ID, s.amended(e, "order.created", confirmed), byAda)
		require.NoError(t, err)
		require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), d.WorkflowID, "")).Outcome)
		s.oneRow(e.ID)
	})
}

func TestATerminatedReplayIsBroughtBackAndNoEventOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.discardedEvent()
	d := s.replay(e)
	waits := func() bool {
		return s.text(`SELECT phase FROM pending_events WHERE workflow_id = $1`, d.WorkflowID) == "waiting"
	}
	s.eventually("it waits", waits)
	require.NoError(t, s.client.TerminateWorkflow(t.Context(), d.WorkflowID, "", "a mistake"))
	p := &phased{system: s, e: e}
	p.sweep(false, func(r sweeping.Report) bool { return r.Started == 1 })
	s.eventually("its workflow runs", func() bool { running, _ := s.events().Running(t.Context(), d.WorkflowID); return running })

	require.NoError(t, s.client.TerminateWorkflow(t.Context(), d.WorkflowID, "", "a mistake"))
	again, err := s.operator().Retry(t.Context(), e.ID, byAda)
	require.NoError(t, err)
	require.Equal(t, "started "+d.WorkflowID, again.Result+" "+again.WorkflowID)
	// An attempt that is under way would still apply the event after the termination, once the order is there.
	s.eventually("it waits again", func() bool { return s.state(d.WorkflowID).Phase == workflows.PhaseWaiting })
	require.NoError(t, s.client.TerminateWorkflow(t.Context(), d.WorkflowID, "", "a mistake"))
	s.result(s.begin(s.event("order.created", confirmed)))
	s.eventually("the release starts it anew", func() bool { return s.outcome(e.ID) == "applied" })
	require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), d.WorkflowID, "")).Outcome)

	// A replay that is terminated before it had an effect is not done. Its workflow ID never becomes the ID of an event.
	s.rest()
	d = s.replay(e)
	require.NoError(t, s.client.TerminateWorkflow(t.Context(), d.WorkflowID, "", "a mistake"))
	s.work()
	p.sweep(false, func(r sweeping.Report) bool { return r.Checked >= 2 })
	require.Equal(t, "0", s.text(`SELECT count(*) FROM webhook_events WHERE event_id LIKE 'inorder-%'`))
	require.Equal(t, "2", s.text(`SELECT count(*) FROM webhook_events`))
	s.oneRow(e.ID)
}

func TestManyReplaysAtOnceBesideWhateverElseComes(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.discardedEvent()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			var unfit *operate.UnfitError
			if _, err := s.operator().Replay(t.Context(), e.ID, byAda); err != nil { // the event waits already
				require.ErrorAs(t, err, &unfit)
			}
		})
	}
	created := s.event("order.created", confirmed)
	all.Go(func() { s.begin(created) })
	all.Go(func() {
		again := store.Read(e, time.Hour) // a redelivery, after Temporal has forgotten the event
		_, err := store.New(s.pool).Apply(t.Context(), []store.Event{again}, store.Options{Via: store.ViaInbox, SkipLocked: true, OnlyEnds: true})
		require.NoError(t, err)
	})
	all.Wait()
	s.eventually("it is applied", func() bool {
		// The release may have come before the last replay wrote its row.
		_, _ = s.events().Retry(t.Context(), s.text(`SELECT workflow_id FROM pending_events WHERE event_id = $1`, e.ID))
		return s.outcome(e.ID) == "applied"
	})
	s.oneRow(e.ID)
	require.Equal(t, "paid", s.text(`SELECT payment_status FROM orders`))
	// In one statement, because the last replay may still be writing.
	require.Equal(t, "true", s.text(`SELECT (count(*) = count(DISTINCT act_id))::text FROM audit_log WHERE action = 'replay'`))
}

func TestTheSameActIsDoneOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.event("order.created", confirmed)
	s.result(s.begin(e))
	by := operate.Act{Actor: "ada", Reason: "because", BulkID: "bulk_1", ID: "bulk_1/" + e.ID}
	d, err := s.operator().Replay(t.Context(), e.ID, by)
	require.NoError(t, err)
	s.result(s.client.GetWorkflow(t.Context(), d.WorkflowID, ""))
	again, err := s.operator().Replay(t.Context(), e.ID, by)
	require.NoError(t, err)
	require.Equal(t, "replaying", again.Result)
	require.Empty(t, again.WorkflowID)
	require.Equal(t, "1 bulk_1", s.text(`SELECT count(*) || ' ' || min(bulk_id) FROM audit_log`))

	waits := s.event("payment.completed", `,"order_id":"order_none"`)
	by.ID = "bulk_1/" + waits.ID
	s.begin(waits)
	s.eventually("it waits", func() bool { return s.text(`SELECT count(*) FROM pending_events`) == "1" })
	for range 2 {
		d, err := s.operator().Discard(t.Context(), waits.ID, by)
		require.NoError(t, err)
		require.Equal(t, "discarded", d.Result)
	}
	replayed := s.replay(waits)
	s.eventually("it waits again", func() bool { return s.text(`SELECT workflow_id FROM pending_events`) == replayed.WorkflowID })
	d, err = s.operator().Discard(t.Context(), waits.ID, by)
	require.NoError(t, err)
	require.Equal(t, "it was given up, and replayed since", d.Detail)
	require.Equal(t, "1", s.text(`SELECT count(*) FROM pending_events`), "the replay is not undone by an older act")
}
