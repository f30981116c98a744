package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"inorder/dev/testenv"
	"inorder/internal/sample"
)

// Two nodes under load are upgraded one after another, then downgraded, while events wait for their orders. No delivery is
// refused, nothing is lost, and neither version fails on what the other recorded.
func TestRollingUpgradeAndBack(t *testing.T) {
	t.Parallel()
	older := olderProgram(t)
	f := newFleet(t, newBareSystem(t, testenv.DatabaseURL(t), "PENDING_RECHECK=3s"), 2)
	f.migrate(older)
	f.pool = testenv.Pool(t, f.databaseURL())
	for _, n := range f.nodes {
		n.begin(older)
	}
	stop := f.load(3)
	thereAndBack, there := f.early(5), f.early(5)

	f.migrate(program) // beside the old ones
	f.nodes[0].drain()
	f.nodes[0].begin(program)
	half := f.early(5)
	f.nodes[1].drain()
	f.nodes[1].begin(program)
	f.late(there)
	back := f.early(5)
	f.burst(150)

	f.roll(program, "INBOX=off") // as docs/operations.md says: no older version empties the inbox
	f.eventually("nothing is left in the inbox", func() bool { return f.inbox() == 0 })
	f.roll(older)
	f.late(slices.Concat(thereAndBack, half, back))

	ids := stop()
	f.eventually("all are applied", func() bool {
		return f.count(`SELECT count(*) FROM webhook_events WHERE event_id = ANY ($1) AND outcome IN ('applied', 'stale')`, ids) == len(ids)
	})
	f.eventually("all of the burst are applied", func() bool { return f.count(`SELECT count(*) FROM orders WHERE id LIKE 'order_burst_%'`) == 150 })
	require.Zero(t, f.count(`SELECT count(*) FROM orders WHERE payment_status <> 'paid' AND id NOT LIKE 'order_burst_%'`))
	require.Zero(t, f.refused.Load(), "no delivery is refused")
	f.requireNothingFailed()
	t.Logf("%d events under load; %d deliveries went to the other node, %d of them after the connection broke; %d events by the inbox", len(ids),
		f.moved.Load(), f.broken.Load(), f.count(`SELECT count(*) FROM webhook_events WHERE via = 'inbox'`))
}

func (f *fleet) migrate(program string) {
	f.t.Helper()
	cmd := exec.Command(program, "migrate")
	cmd.Env = f.env
	out, err := cmd.CombinedOutput()
	require.NoError(f.t, err, string(out))
}

// load sends the events of new orders, of half the orders in reverse, until stop is called. stop returns the IDs of
// all events sent.
func (f *fleet) load(senders int) (stop func() []string) {
	var (
		mu      sync.Mutex
		ids     []string
		sending sync.WaitGroup
		ctx, no = context.WithCancel(f.t.Context())
	)
	for range senders {
		sending.Go(func() {
			every := time.NewTicker(200 * time.Millisecond)
			defer every.Stop()
			for backwards := false; ctx.Err() == nil; backwards = !backwards {
				order, at := sample.NewID("order_"), time.Now().Truncate(time.Second)
				events := []sample.Options{{Type: "order.created", OrderID: order, At: at}, {Type: "order.paid", OrderID: order, At: at.Add(time.Second)}}
				if backwards {
					slices.Reverse(events)
				}
				for _, o := range events {
					o.ID = sample.NewID("evt_")
					f.deliver(sample.Event(o))
					mu.Lock()
					ids = append(ids, o.ID)
					mu.Unlock()
				}
				<-every.C
			}
		})
	}
	f.t.Cleanup(func() { no(); sending.Wait() })
	return func() []string {
		no()
		sending.Wait()
		return ids
	}
}

// early delivers order.paid of n orders that do not exist, and returns the orders' IDs once the events wait. The events are dated so far
// ahead that they stay newer than what late sends, however long that takes, but within MAX_EVENT_SKEW.
func (f *fleet) early(n int) (orders []string) {
	for i := range n {
		orders = append(orders, sample.NewID(fmt.Sprintf("order_early_%d_", i)))
		f.deliver(sample.Event(sample.Options{Type: "order.paid", OrderID: orders[i], At: time.Now().Add(45 * time.Minute)}))
	}
	f.eventually("they wait", func() bool {
		return f.count(`SELECT count(*) FROM pending_events WHERE order_id = ANY ($1)`, orders) == n
	})
	return orders
}

// burst delivers the events of n new orders at once, which is more than Temporal accepts in time.
func (f *fleet) burst(n int) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			f.deliver(sample.Event(sample.Options{Type: "order.created", OrderID: sample.NewID("order_burst_")}))
		})
	}
	all.Wait()
}

// late creates the orders, and returns when the events that waited for them are applied.
func (f *fleet) late(orders []string) {
	for _, order := range orders {
		f.deliver(sample.Event(sample.Options{Type: "order.created", OrderID: order, At: time.Now()}))
	}
	f.eventually("what waited is applied", func() bool {
		return f.count(`SELECT count(*) FROM webhook_events WHERE outcome = 'applied' AND order_id = ANY ($1)`, orders) == 2*len(orders)
	})
	require.Equal(f.t, len(orders), f.count(`SELECT count(*) FROM orders WHERE payment_status = 'paid' AND id = ANY ($1)`, orders))
}

// requireNothingFailed checks that the logs of all nodes and the histories of all events contain no failed workflow task.
func (f *fleet) requireNothingFailed() {
	for _, n := range f.nodes {
		for line := range strings.Lines(n.log()) {
			require.False(f.t, strings.Contains(line, "TMPRL1100") || strings.Contains(line, "panic") && strings.Contains(line, "ProcessEvent"), line)
		}
	}
	var runs, failed int
	var token []byte
	for more := true; more; more = len(token) > 0 {
		page, err := f.temporal.ListWorkflow(f.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: `WorkflowType = "ProcessEvent"`, PageSize: 500, NextPageToken: token})
		require.NoError(f.t, err)
		token = page.NextPageToken
		for _, run := range page.Executions {
			runs++
			for _, why := range f.failures(run.Execution.WorkflowId) {
				failed++
				f.t.Log(run.Execution.WorkflowId, why)
			}
		}
	}
	require.NotZero(f.t, runs)
	require.Zero(f.t, failed, "workflow tasks failed")
}

// failures returns an event's failed workflow tasks, except those that only raced with a signal, which Temporal repeats.
func (f *fleet) failures(id string) (all []*history.WorkflowTaskFailedEventAttributes) {
	events := f.temporal.GetWorkflowHistory(f.t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(f.t, err)
		if failed := e.GetWorkflowTaskFailedEventAttributes(); failed != nil && failed.Cause != enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND {
			all = append(all, failed)
		}
	}
	return all
}

// A workflow that an older worker can't continue stays running until the newer version is back, and nothing is lost. Here
// the newer version has begun to discard an event because somebody canceled it.
func TestWhatOnlyTheNewerVersionKnowsWaitsForIt(t *testing.T) {
	t.Parallel()
	older := olderProgram(t)
	f := newFleet(t, newSystem(t), 1)
	n := f.nodes[0]
	n.begin(program)
	f.deliver(sample.Event(sample.Options{ID: "evt_canceled", Type: "order.paid", OrderID: "order_1"}))
	f.eventually("it waits", func() bool { return f.count(`SELECT count(*) FROM pending_events`) == 1 })
	f.rename("webhook_events", "webhook_events_away")
	require.NoError(t, f.temporal.CancelWorkflow(t.Context(), "evt_canceled", ""))
	f.eventually("it is being given up", func() bool { return f.attempts("evt_canceled") > 0 })

	n.drain()
	f.rename("webhook_events_away", "webhook_events")
	n.begin(older)
	f.eventually("the older worker stumbles", func() bool { return len(f.failures("evt_canceled")) > 0 })
	d, err := f.temporal.DescribeWorkflow(t.Context(), "evt_canceled", "")
	require.NoError(t, err)
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, d.Status)
	f.deliver(sample.Event(sample.Options{ID: "evt_other", Type: "order.created", OrderID: "order_2"}))
	f.eventually("other events are applied", func() bool { return f.outcome("evt_other") == "applied" })

	n.drain()
	n.begin(program)
	f.eventually("it continues on the newer worker", func() bool {
		d, err := f.temporal.DescribeWorkflow(t.Context(), "evt_canceled", "")
		return err == nil && d.Status == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	})
	require.Equal(t, "discarded", f.outcome("evt_canceled"))
}
