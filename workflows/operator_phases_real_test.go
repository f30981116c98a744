package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/operate"
	sweeping "inorder/internal/sweep"
	"inorder/workflows"
)

func TestAnOperatorDiscardsInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			d, err := p.operator().Discard(t.Context(), p.e.ID, byAda)
			if phase == "releasing" {
				unfit(t, err, api.Retry, api.Replay)
				p.restore()
				p.ends(inorder.Applied)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "discarded", d.Result)
			require.Equal(t, "discarded", p.outcome(p.e.ID), "at once, whatever its workflow does")
			require.Equal(t, "because (by ada)", d.Detail)
			p.oneRow(p.e.ID)
			p.eventually("its workflow ends", func() bool { return p.status(p.e) == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED })
			require.Equal(t, "ada discard api discarded", p.audit(p.e.ID), "once")
			p.restore()
			_, err = p.operator().Discard(t.Context(), p.e.ID, byAda)
			unfit(t, err, api.Replay)
		})
	}
}

func TestAnOperatorDiscardsWhileTemporalIsAway(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			d, err := p.withoutTemporal().Discard(t.Context(), p.e.ID, byAda)
			switch phase {
			case "releasing":
				unfit(t, err, api.Replay)
				p.restore()
			case "applying":
				unavailable(t, err, "temporal")
				require.ErrorContains(t, err, "PostgreSQL does not have the event")
				p.restore()
				p.ends(inorder.Applied)
			default:
				require.NoError(t, err)
				require.Contains(t, d.Detail, "Temporal does not answer")
				require.Equal(t, "discarded", p.outcome(p.e.ID))
				if phase == "attention" {
					p.sweep(false, func(sweeping.Report) bool { return p.status(p.e) == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED })
				}
			}
		})
	}
}

func TestAnOperatorRetriesInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			retry := func() {
				d, err := p.operator().Retry(t.Context(), p.e.ID, byAda)
				require.NoError(t, err)
				require.Equal(t, "signaled", d.Result)
			}
			switch phase {
			case "waiting", "stuck":
				seen := p.text(`SELECT seen_at FROM pending_events`)
				retry()
				p.eventually("it looks again", func() bool { return p.text(`SELECT seen_at FROM pending_events`) != seen })
				p.again(phase)
			case "attention":
				p.allow()
				retry()
				p.ends(inorder.Applied)
			default:
				next := p.betweenAttempts()
				p.restore()
				retry()
				p.ends(inorder.Applied)
				d, err := p.client.DescribeWorkflow(t.Context(), p.e.ID, "")
				require.NoError(t, err)
				require.True(t, d.WorkflowCloseTime.Before(next), "it did not wait for the next attempt")
			}
			require.Contains(t, p.audit(p.e.ID), "ada retry api signaled", "once, and not as an act in Temporal, too")
			require.NotContains(t, p.audit(p.e.ID), "retry temporal")
			require.Equal(t, p.e.OrderID(), p.text(`SELECT min(coalesce(order_id, '')) FROM audit_log WHERE action = 'retry'`), "also of one that only Temporal knows")
		})
	}
}

func TestAnOperatorRetriesWhatLostItsWorkflow(t *testing.T) {
	lose := map[string]func(*phased){
		"terminated": func(p *phased) { require.NoError(p, p.client.TerminateWorkflow(p.Context(), p.e.ID, "", "a mistake")) },
		"forgotten":  func(p *phased) { p.forget(p.e) },
	}
	for how, lose := range lose {
		for phase, enter := range phases {
			t.Run(phase+" and "+how, func(t *testing.T) {
				t.Parallel()
				p := enter(t)
				lose(p)
				if phase == "attention" { // otherwise, a retry would find its date too late, as before
					p.allow()
				}
				d, err := p.operator().Retry(t.Context(), p.e.ID, byAda)
				switch {
				case phase == "releasing":
					unfit(t, err, api.Replay)
					p.restore()
					return
				case phase == "applying" && how == "forgotten":
					var unknown *operate.UnknownError
					require.ErrorAs(t, err, &unknown)
					return
				}
				require.NoError(t, err)
				require.Equal(t, "started", d.Result)
				p.restore()
				if phase == "waiting" || phase == "stuck" {
					p.awaitPhase(p.e, workflows.Phase(phase))
					p.release(phase)
				}
				p.ends(inorder.Applied)
				p.oneRow(p.e.ID)
				require.Equal(t, "ada retry api started anew", p.audit(p.e.ID))
			})
		}
	}
}

func TestWhatDoesNotFitSaysWhatWould(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	o := s.operator()
	waits, inbox, done := s.event("order.paid", ""), s.event("order.paid", ""), s.event("product.updated", "")
	s.begin(waits)
	s.awaitPhase(waits, workflows.PhaseWaiting)
	s.inbox(inbox)
	s.result(s.begin(done))

	for _, id := range []string{waits.ID, inbox.ID} {
		_, err := o.Replay(t.Context(), id, byAda)
		unfit(t, err, api.Retry, api.Discard)
		_, err = o.Amend(t.Context(), id, waits.Body, byAda)
		unfit(t, err, api.Retry, api.Discard)
	}
	_, err := o.Retry(t.Context(), done.ID, byAda)
	unfit(t, err, api.Replay)
	_, err = o.Amend(t.Context(), done.ID, done.Body, byAda)
	unfit(t, err, api.Replay)
	s.exec(`DELETE FROM webhook_events`)
	_, err = o.Replay(t.Context(), done.ID, byAda)
	unfit(t, err)
	require.ErrorContains(t, err, "its row was deleted")
	for _, act := range []func() (api.Done, error){
		func() (api.Done, error) { return o.Retry(t.Context(), "evt_none", byAda) },
		func() (api.Done, error) { return o.Discard(t.Context(), "evt_none", byAda) },
		func() (api.Done, error) { return o.Replay(t.Context(), "evt_none", byAda) },
		func() (api.Done, error) { return o.Amend(t.Context(), "evt_none", waits.Body, byAda) },
	} {
		_, err := act()
		var unknown *operate.UnknownError
		require.ErrorAs(t, err, &unknown)
	}
	require.Equal(t, "0", s.text(`SELECT count(*) FROM audit_log`), "nothing was done")

	d, err := o.Retry(t.Context(), inbox.ID, byAda)
	require.NoError(t, err)
	require.Equal(t, "due", d.Result)
	require.Equal(t, "true", s.text(`SELECT not_before <= now() FROM event_inbox`))
	d, err = s.withoutTemporal().Discard(t.Context(), inbox.ID, byAda)
	require.NoError(t, err)
	require.Equal(t, "discarded", d.Result)
	s.oneRow(inbox.ID)
	require.Equal(t, "ada retry api due; ada discard api discarded", s.audit(inbox.ID))
}
