package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"inorder"
	sweeping "inorder/internal/sweep"
	"inorder/workflows"
)

func TestCancelInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			require.NoError(t, p.client.CancelWorkflow(t.Context(), p.e.ID, ""))
			if phase == "applying" || phase == "releasing" {
				p.settled(p.e)
				p.restore()
			}
			if phase == "releasing" {
				p.ends(inorder.Applied)
				return
			}
			p.ends(inorder.Discarded)
			require.Equal(t, "canceled in Temporal (by test)", p.text(`SELECT detail FROM webhook_events`))
			require.Equal(t, "0", p.text(`SELECT count(*) FROM orders`))
			p.result(p.begin(p.event("order.created", confirmed)))
			require.Equal(t, "", p.text(`SELECT payment_status FROM orders`), "what was given up is not applied later")
		})
	}
}

func TestTerminateInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			require.NoError(t, p.client.TerminateWorkflow(t.Context(), p.e.ID, "", "a mistake"))
			p.restore()
			p.exec(`UPDATE orders SET created_at = now() - interval '1 hour'`) // a younger order is left to the workflow that created it
			// The attempt that was under way may have applied the event, or released what waits; then there is nothing to bring back.
			alone := func() bool {
				return phase == "applying" && p.text(`SELECT outcome FROM webhook_events WHERE event_id = $1`, p.e.ID) == "applied"
			}
			p.sweep(false, func(r sweeping.Report) bool { return r.Started+r.Woken > 0 || alone() || p.released() })
			if alone() && p.status(p.e) == enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED {
				return
			}
			if phase == "releasing" {
				require.Equal(t, "applied", p.text(`SELECT outcome FROM webhook_events WHERE event_id = $1`, p.e.ID))
				p.eventually("what waited is applied", func() bool { return p.text(`SELECT payment_status FROM orders`) == "paid" })
				return
			}
			p.again(phase)
		})
	}
}

func TestDeleteInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			p.deleted(p.e)
			p.restore()
			switch phase {
			case "applying": // the exception: PostgreSQL never took the event, so it is lost unless the platform delivers it again
				p.begin(p.e)
				p.ends(inorder.Applied)
			case "releasing":
				// The attempt that was under way may have released it; then nothing is left to wake.
				p.sweep(true, func(r sweeping.Report) bool { return r.Woken == 1 || p.released() })
				p.eventually("what waited is applied", func() bool { return p.text(`SELECT payment_status FROM orders`) == "paid" })
			case "waiting", "stuck":
				p.sweep(false, func(r sweeping.Report) bool { return r.Started == 0 }) // its row was seen a moment ago
				p.sweep(true, func(r sweeping.Report) bool { return r.Started == 1 })
				p.again(phase)
			case "attention":
				p.sweep(false, func(r sweeping.Report) bool { return r.Started == 1 })
				p.again(phase)
			}
		})
	}
}

func TestResetInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			d, err := describe(t.Context(), p.client, p.e.ID)
			require.NoError(t, err)
			_, err = p.client.ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
				Namespace: client.DefaultNamespace, WorkflowExecution: d.GetWorkflowExecutionInfo().GetExecution(),
				Reason: "try again", RequestId: p.e.ID, WorkflowTaskFinishEventId: p.firstTask()})
			require.NoError(t, err)
			p.restore()
			p.again(phase)
		})
	}
}

func TestDiscardInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			p.signal(p.e, workflows.SignalDiscard, workflows.Discard{Reason: "a test order", Actor: "ops"})
			if phase == "applying" || phase == "releasing" {
				p.settled(p.e)
				p.restore()
			}
			if phase == "releasing" {
				p.ends(inorder.Applied)
				return
			}
			p.ends(inorder.Discarded)
			require.Equal(t, "a test order (by ops)", p.text(`SELECT detail FROM webhook_events`))
		})
	}
}

func TestRetryInEveryPhase(t *testing.T) {
	for phase, enter := range phases {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			p := enter(t)
			switch phase {
			case "waiting", "stuck":
				seen := p.text(`SELECT seen_at FROM pending_events`)
				p.signal(p.e, workflows.SignalRetry, nil)
				p.eventually("it looks again", func() bool { return p.text(`SELECT seen_at FROM pending_events`) != seen })
				p.again(phase)
			case "attention":
				p.allow()
				p.signal(p.e, workflows.SignalRetry, nil)
				p.ends(inorder.Applied)
			default:
				next := p.betweenAttempts()
				p.restore()
				p.signal(p.e, workflows.SignalRetry, nil)
				p.ends(inorder.Applied)
				d, err := p.client.DescribeWorkflow(t.Context(), p.e.ID, "")
				require.NoError(t, err)
				require.True(t, d.WorkflowCloseTime.Before(next), "it did not wait for the next attempt")
			}
		})
	}
}
