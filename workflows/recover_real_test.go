package workflows_test

import (
	"testing"

	"inorder"
	sweeping "inorder/internal/sweep"
	"inorder/workflows"
)

func TestRecoverFillsAnEmptyTemporal(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work(shortWait)
	stuck, parked := s.event("order.paid", ""), s.event("order.updated", `,"status":7`)
	s.begin(stuck)
	s.begin(parked)
	s.awaitPhase(stuck, workflows.PhaseStuck)
	s.awaitPhase(parked, workflows.PhaseAttention)
	s.rest()

	other := &phased{system: &system{T: t, client: s.client, pool: s.pool, queue: s.queue + "-new", order: s.order}, e: stuck}
	for _, e := range []inorder.Event{stuck, parked} { // leaves what losing Temporal's storage leaves
		s.deleted(e)
	}
	other.work(shortWait)
	other.sweep(true, func(r sweeping.Report) bool { return r.Started == 2 })
	other.awaitPhase(stuck, workflows.PhaseStuck)
	other.awaitPhase(parked, workflows.PhaseAttention)
	other.sweep(true, func(r sweeping.Report) bool { return r.Started == 0 && r.Woken == 0 })
	other.signal(parked, workflows.SignalDiscard, workflows.Discard{})
	other.result(other.begin(other.event("order.created", confirmed)))
	other.ends(inorder.Applied)
}
