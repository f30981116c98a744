package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/worker"
	"inorder/workflows"
)

// newPlatform returns a stand-in, and a change of options that makes a worker ask it.
func newPlatform(t *testing.T, keys ...string) (*standin.Server, func(*worker.Options)) {
	shop, api := testenv.StandIn(t, standin.Options{Keys: keys})
	c := testenv.Platform(t, api, standin.DefaultKey)
	return shop, func(o *worker.Options) {
		o.Platform, o.ReconcileWindow, o.Wait.AskAfter = c, 72*time.Hour, 100*time.Millisecond
	}
}

// place creates an order on the platform, and makes it the system's.
func (s *system) place(shop *standin.Server, actions ...string) {
	s.Helper()
	orders, err := shop.Place(standin.Placement{Actions: actions})
	require.NoError(s, err)
	s.order = orders[0].ID
}

// reconciled plays an event whose order.created is lost, so that the order is fetched.
func reconciled(s *system) inorder.Event {
	shop, ask := newPlatform(s.T)
	s.place(shop, "pay")
	s.work(ask)
	e := s.event("order.paid", "")
	require.Equal(s, inorder.Stale, s.result(s.begin(e)).Outcome, "the order that was fetched is newer, and tells it all")
	return e
}

func TestAWaitingEventFetchesItsOrder(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	e := reconciled(s)
	require.Equal(t, "confirmed paid", s.text(`SELECT status || ' ' || payment_status FROM orders WHERE id = $1`, s.order))
	require.Equal(t, "1", s.text(`SELECT count(*) FROM webhook_events WHERE type = 'order.reconciled' AND outcome = 'applied'`))
	require.Equal(t, "0", s.text(`SELECT count(*) FROM pending_events`))
	s.eventually("no phase is left", func() bool { return s.find(e, "waiting") == 0 })
}

func TestAPlatformThatRefusesTheKeyIsVisibleAndTheEventGoesOn(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	shop, ask := newPlatform(t, "sk_test_another")
	s.place(shop)
	s.work(ask)
	e := s.event("order.paid", "")
	run := s.begin(e)
	s.awaitPhase(e, workflows.PhaseWaiting)
	s.eventually("the pending activity says why", func() bool {
		d, err := describe(t.Context(), s.client, e.ID)
		require.NoError(t, err)
		for _, a := range d.GetPendingActivities() {
			if message := a.GetLastFailure().GetMessage(); message != "" {
				require.Contains(t, message, "check HEADLESS_COMMERCE_API_KEY")
				require.NotContains(t, message, standin.DefaultKey)
				require.Greater(t, time.Until(a.GetScheduledTime().AsTime()), 5*time.Minute, "it is tried again slowly")
				return true
			}
		}
		return false
	})
	s.result(s.begin(s.event("order.created", confirmed)))
	require.Equal(t, inorder.Applied, s.result(run).Outcome)
}

// reconcileID returns ReconcileByHandID with a suffix, because the tests share a namespace.
func (s *system) reconcileID() string { return workflows.ReconcileByHandID + "-" + s.queue }

// reconcile runs ReconcileOrders to its end.
func (s *system) reconcile(in workflows.ReconcileInput) (r workflows.ReconcileResult) {
	s.Helper()
	run, err := s.client.ExecuteWorkflow(s.Context(), client.StartWorkflowOptions{ID: s.reconcileID(), TaskQueue: s.queue},
		workflows.ReconcileOrdersType, in)
	require.NoError(s, err)
	require.NoError(s, run.Get(s.Context(), &r))
	return r
}

func TestReconcileOrdersOnRealServers(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	shop, ask := newPlatform(t)
	_, err := shop.Place(standin.Placement{Count: 150, Actions: []string{"pay"}})
	require.NoError(t, err)
	s.work(ask)
	r := s.reconcile(workflows.ReconcileInput{})
	require.Equal(t, 150, r.Missing)
	require.Zero(t, r.Unrepaired, r.Notes)
	require.Equal(t, "150", s.text(`SELECT count(*) FROM orders WHERE payment_status = 'paid'`))

	again := s.reconcile(workflows.ReconcileInput{Grace: time.Millisecond})
	require.Equal(t, 150, again.Compared)
	require.Zero(t, again.Repaired()+again.Unrepaired)

	named := s.reconcile(workflows.ReconcileInput{Orders: []string{shop.Orders()[0].ID, "order_nobody_knows"}})
	require.Equal(t, 1, named.Unrepaired)
	require.Equal(t, []string{"order order_nobody_knows: the platform does not know it in test mode"}, named.Notes)
}

func TestReconcileOrdersWithoutAKey(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	require.Contains(t, s.reconcile(workflows.ReconcileInput{}).NotSet, "HEADLESS_COMMERCE_API_KEY is not set")
}
