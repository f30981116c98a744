package workflows_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"inorder"
	"inorder/activities"
	"inorder/dev/testenv"
	"inorder/internal/loglimit"
	"inorder/internal/sample"
	"inorder/worker"
	"inorder/workflows"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// system is workers on real servers, with a database and a task queue of their own.
type system struct {
	*testing.T
	client client.Client
	pool   *pgxpool.Pool
	queue  string
	order  string // an ID that no other test has
	worker sdk.Worker
}

func newSystem(t *testing.T) *system {
	return &system{T: t, client: testenv.Temporal(t), pool: testenv.Database(t), queue: sample.NewID("queue_"), order: sample.NewID("order_")}
}

// work runs a worker, as `inorder worker` does, until the test ends or another one takes its place.
func (s *system) work(change ...func(*worker.Options)) {
	s.Helper()
	o := worker.Options{
		Client: s.client, Namespace: client.DefaultNamespace, Pool: s.pool, TaskQueue: s.queue, Log: testenv.Log, Limited: loglimit.New(testenv.Log, loglimit.Every), MaxEventSkew: time.Hour, EventRetention: 30 * 24 * time.Hour,
		Wait: activities.WaitPolicy{Recheck: time.Minute, StuckAfter: 24 * time.Hour, TTL: 30 * 24 * time.Hour},
	}
	for _, f := range change {
		f(&o)
	}
	s.rest()
	s.worker = worker.New(o)
	require.NoError(s, s.worker.Start())
	s.Cleanup(s.rest)
}

func (s *system) rest() {
	if s.worker != nil {
		s.worker.Stop()
		s.worker = nil
	}
}

// event makes an event of the system's order.
func (s *system) event(eventType, data string) inorder.Event {
	s.Helper()
	return s.eventAt(eventType, time.Now().Add(-time.Minute), data)
}

func (s *system) eventAt(eventType string, at time.Time, data string) inorder.Event {
	s.Helper()
	e, err := inorder.ParseEvent(fmt.Appendf(nil, `{"id":%q,"type":%q,"created_at":%q,"data":{"id":%q%s},"store_id":"store_1"}`,
		sample.NewID("evt_"), eventType, at.UTC().Format(time.RFC3339), s.order, data))
	require.NoError(s, err)
	e.ReceivedAt = time.Now().UTC()
	return e
}

func (s *system) events() workflows.Events {
	return workflows.Events{Client: s.client, Namespace: client.DefaultNamespace, TaskQueue: s.queue}
}

// begin starts the event's workflow, as the receiver does.
func (s *system) begin(e inorder.Event) client.WorkflowRun {
	s.Helper()
	options, body, receipt := workflows.StartRequest(s.queue, e)
	run, err := s.client.ExecuteWorkflow(s.Context(), options, workflows.ProcessEventType, body, receipt)
	require.NoError(s, err)
	return run
}

func (s *system) result(run client.WorkflowRun) workflows.Result {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	var r workflows.Result
	require.NoError(s, run.Get(ctx, &r))
	return r
}

func (s *system) state(id string) (state workflows.State) {
	s.Helper()
	v, err := s.client.QueryWorkflow(s.Context(), id, "", workflows.QueryState)
	require.NoError(s, err)
	require.NoError(s, v.Get(&state))
	return state
}

func (s *system) eventually(what string, condition func() bool) {
	s.Helper()
	require.Eventually(s, condition, 60*time.Second, 20*time.Millisecond, what)
}

// awaitPhase returns when the event is in the phase, and Temporal has on record that it is.
func (s *system) awaitPhase(e inorder.Event, phase workflows.Phase) {
	s.Helper()
	s.eventually(fmt.Sprintf("%s is %s", e.ID, phase), func() bool { return s.find(e, string(phase)) == 1 })
	require.Equal(s, phase, s.state(e.ID).Phase)
}

// find counts the executions of the event that an operator finds by their phase.
func (s *system) find(e inorder.Event, phase string) int64 {
	s.Helper()
	r, err := s.client.CountWorkflow(s.Context(), &workflowservice.CountWorkflowExecutionsRequest{
		Query: fmt.Sprintf(`EventPhase=%q AND ExecutionStatus="Running" AND OrderId=%q AND WorkflowId=%q`, phase, s.order, e.ID)})
	require.NoError(s, err)
	return r.GetCount()
}

func (s *system) signal(e inorder.Event, name string, arg any) {
	s.Helper()
	require.NoError(s, s.client.SignalWorkflow(s.Context(), e.ID, "", name, arg))
}

func (s *system) text(sql string, args ...any) (value string) {
	s.Helper()
	require.NoError(s, s.pool.QueryRow(s.Context(), "SELECT coalesce(("+sql+")::text, '')", args...).Scan(&value))
	return value
}

// describe is what Temporal knows of the last run of a workflow.
func describe(ctx context.Context, c client.Client, id string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	d, err := c.DescribeWorkflow(ctx, id, "")
	if err != nil {
		return nil, err
	}
	return d.RawResponse, nil
}

func (s *system) status(e inorder.Event) enumspb.WorkflowExecutionStatus {
	s.Helper()
	r, err := describe(s.Context(), s.client, e.ID)
	require.NoError(s, err)
	return r.GetWorkflowExecutionInfo().GetStatus()
}

const confirmed = `,"status":"confirmed","total":{"amount":78000,"currency":"KRW"}`

func TestAnEventIsAppliedAndFound(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.event("order.created", confirmed)
	require.Equal(t, workflows.Result{Outcome: inorder.Applied, OrderID: s.order}, s.result(s.begin(e)))
	require.Equal(t, "confirmed", s.text(`SELECT status FROM orders`))
	s.eventually("a visibility query finds it", func() bool {
		r, err := s.client.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: fmt.Sprintf(`OrderId=%q AND StoreId="store_1" AND EventType="order.created" AND ExecutionStatus="Completed" AND EventPhase IS NULL`, s.order)})
		require.NoError(t, err)
		return r.GetCount() == 1
	})
	d, err := s.client.DescribeWorkflow(t.Context(), e.ID, "")
	require.NoError(t, err)
	summary, err := d.GetStaticSummary()
	require.NoError(t, err)
	require.Equal(t, "order.created → "+s.order, summary)
	require.LessOrEqual(t, d.HistoryLength, 6, "the fast path is six events of history")
	require.Equal(t, inorder.Applied, s.state(e.ID).Outcome, "a completed event still tells")
}

func TestAWaitingEventIsReleased(t *testing.T) {
	t.Parallel()
	t.Run("by the event that creates its order", func(t *testing.T) {
		s := newSystem(t)
		s.work()
		paid, shipped := s.event("order.paid", ""), s.event("order.fulfilled", "")
		runs := []client.WorkflowRun{s.begin(paid), s.begin(shipped)}
		s.awaitPhase(paid, workflows.PhaseWaiting)
		s.awaitPhase(shipped, workflows.PhaseWaiting)
		require.NotNil(t, s.state(paid.ID).NextLook)
		s.result(s.begin(s.event("order.created", confirmed)))
		for _, run := range runs {
			require.Equal(t, inorder.Applied, s.result(run).Outcome)
		}
		require.Equal(t, "paid fulfilled", s.text(`SELECT payment_status || ' ' || fulfillment_status FROM orders`))
		require.Equal(t, "0", s.text(`SELECT count(*) FROM pending_events`))
		s.eventually("no phase is left", func() bool { return s.find(paid, "waiting") == 0 })
	})
	t.Run("also if somebody terminated it", func(t *testing.T) {
		s := newSystem(t)
		s.work()
		paid := s.event("order.paid", "")
		s.begin(paid)
		s.awaitPhase(paid, workflows.PhaseWaiting)
		require.NoError(t, s.client.TerminateWorkflow(t.Context(), paid.ID, "", "a mistake"))
		s.result(s.begin(s.event("order.created", confirmed)))
		s.eventually("the event is applied", func() bool { return s.text(`SELECT payment_status FROM orders`) == "paid" })
		require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), paid.ID, "")).Outcome)
	})
	t.Run("at its own next look", func(t *testing.T) {
		s := newSystem(t)
		s.work(func(o *worker.Options) { o.Wait.Recheck = 100 * time.Millisecond })
		paid := s.event("order.paid", "")
		run := s.begin(paid)
		s.awaitPhase(paid, workflows.PhaseWaiting)
		_, err := s.pool.Exec(t.Context(), `INSERT INTO orders (id, data, data_at, data_rank, data_event_id, last_webhook_at) VALUES ($1, '{}', now(), 0, 'x', now())`, s.order)
		require.NoError(t, err)
		require.Equal(t, inorder.Applied, s.result(run).Outcome)
	})
}

func TestWakingACompletedEventDoesNotReviveIt(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.event("order.created", confirmed)
	run := s.begin(e)
	s.result(run)
	alive, err := s.events().Wake(t.Context(), e.ID)
	require.NoError(t, err)
	require.False(t, alive)
	require.NoError(t, s.events().Start(t.Context(), e))
	d, err := describe(t.Context(), s.client, e.ID)
	require.NoError(t, err)
	require.Equal(t, run.GetRunID(), d.GetWorkflowExecutionInfo().GetExecution().GetRunId())
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, s.status(e))
}

func TestRedelivery(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	begin := func(e inorder.Event) (client.WorkflowRun, error) {
		options, body, receipt := workflows.StartRequest(s.queue, e)
		return s.client.ExecuteWorkflow(t.Context(), options, workflows.ProcessEventType, body, receipt)
	}
	t.Run("of a completed event is refused", func(t *testing.T) {
		e := s.event("product.updated", "")
		s.result(s.begin(e))
		_, err := begin(e)
		requireAlreadyStarted(t, err)
	})
	t.Run("of a running event is refused", func(t *testing.T) {
		e := s.event("order.paid", "")
		s.begin(e)
		s.awaitPhase(e, workflows.PhaseWaiting)
		_, err := begin(e)
		requireAlreadyStarted(t, err)
		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, s.status(e))
		require.NoError(t, s.client.TerminateWorkflow(t.Context(), e.ID, "", "a mistake"))
		t.Run("of a terminated event revives it", func(t *testing.T) {
			s.begin(e)
			s.awaitPhase(e, workflows.PhaseWaiting)
			s.result(s.begin(s.event("order.created", confirmed)))
			require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), e.ID, "")).Outcome)
		})
	})
	t.Run("of an event that Temporal has forgotten answers what was recorded, and has no effect", func(t *testing.T) {
		e := s.event("payment.refunded", `,"order_id":"`+s.order+`","amount":{"amount":5,"currency":"KRW"}`)
		require.Equal(t, inorder.Applied, s.result(s.begin(e)).Outcome)
		options, body, receipt := workflows.StartRequest(s.queue, e)
		options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE // as if the namespace's retention had passed
		again, err := s.client.ExecuteWorkflow(t.Context(), options, workflows.ProcessEventType, body, receipt)
		require.NoError(t, err)
		require.Equal(t, inorder.Applied, s.result(again).Outcome)
		require.Equal(t, "5", s.text(`SELECT refunded_amount FROM order_refunds`))
	})
}

func requireAlreadyStarted(t *testing.T, err error) {
	t.Helper()
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	require.ErrorAs(t, err, &started)
}

func TestAStuckEventIsFoundAndDiscarded(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work(shortWait)
	e := s.event("order.paid", "")
	run := s.begin(e)
	s.awaitPhase(e, workflows.PhaseStuck)
	require.Equal(t, "stuck", s.text(`SELECT phase FROM pending_events`))
	s.signal(e, workflows.SignalDiscard, workflows.Discard{Reason: "a test order", Actor: "ops"})
	require.Equal(t, workflows.Result{Outcome: inorder.Discarded, OrderID: s.order, Detail: "a test order (by ops)"}, s.result(run))
	s.eventually("no phase is left", func() bool { return s.find(e, "stuck") == 0 })
}

func shortWait(o *worker.Options) {
	o.Wait.Recheck, o.Wait.StuckAfter = 50*time.Millisecond, 150*time.Millisecond
}

func TestAnEventExpires(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work(shortWait, func(o *worker.Options) { o.Wait.TTL = 300 * time.Millisecond })
	e := s.event("order.paid", "")
	require.Equal(t, inorder.Expired, s.result(s.begin(e)).Outcome)
	require.Equal(t, "expired", s.text(`SELECT outcome FROM webhook_events`))
}

func TestAttentionIsCuredByASetting(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.eventAt("order.created", time.Now().Add(2*time.Hour), confirmed)
	run := s.begin(e)
	s.awaitPhase(e, workflows.PhaseAttention)
	s.work(func(o *worker.Options) { o.MaxEventSkew = 3 * time.Hour })
	s.signal(e, workflows.SignalRetry, nil)
	require.Equal(t, inorder.Applied, s.result(run).Outcome)
}

func TestWhatPostgreSQLRefusesNeedsAttention(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	e := s.event("order.created", `,"x":1e400000`)
	run := s.begin(e)
	s.awaitPhase(e, workflows.PhaseAttention)
	require.Equal(t, "PostgreSQL refuses the event's data: SQLSTATE 22003", s.state(e.ID).Detail)
	s.signal(e, workflows.SignalDiscard, workflows.Discard{Reason: "no number", Actor: "ops"})
	require.Equal(t, inorder.Discarded, s.result(run).Outcome)
	require.Equal(t, "string", s.text(`SELECT jsonb_typeof(payload) FROM webhook_events`))
}

func TestALongHistoryGoesOnInANewRun(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work(func(o *worker.Options) { o.Wait.Recheck = time.Hour })
	e := s.event("order.paid", "")
	first := s.begin(e)
	s.awaitPhase(e, workflows.PhaseWaiting)
	// Temporal suggests a new run at 4 MiB of history.
	for range 6 {
		s.signal(e, workflows.SignalRetry, make([]byte, 600_000))
	}
	s.eventually("a new run goes on", func() bool {
		d, err := describe(t.Context(), s.client, e.ID)
		require.NoError(t, err)
		if d.GetPendingWorkflowTask() == nil { // a signal that meets the end of a run would keep it from ending
			s.signal(e, workflows.SignalRetry, make([]byte, 600_000))
		}
		return d.GetWorkflowExecutionInfo().GetExecution().GetRunId() != first.GetRunID()
	})
	s.awaitPhase(e, workflows.PhaseWaiting)
	s.result(s.begin(s.event("order.created", confirmed)))
	require.Equal(t, inorder.Applied, s.result(s.client.GetWorkflow(t.Context(), e.ID, "")).Outcome)
	s.eventually("no phase is left", func() bool { return s.find(e, "waiting") == 0 })
}

func TestWhilePostgreSQLIsAwayEventsAreRetriedAndThenApplied(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.work()
	waits := s.event("order.paid", "")
	waiting := s.begin(waits)
	s.awaitPhase(waits, workflows.PhaseWaiting)

	back := s.stopDatabase()
	created := s.event("order.created", confirmed)
	run := s.begin(created)
	s.awaitPhase(created, workflows.PhaseApplying)
	s.eventually("the failing activity is in sight", func() bool {
		d, err := describe(t.Context(), s.client, created.ID)
		require.NoError(t, err)
		pending := d.GetPendingActivities()
		return len(pending) == 1 && pending[0].GetAttempt() > 1 && pending[0].GetLastFailure().GetMessage() != ""
	})
	back()
	require.Equal(t, inorder.Applied, s.result(run).Outcome)
	require.Equal(t, inorder.Applied, s.result(waiting).Outcome)
	require.Equal(t, "paid", s.text(`SELECT payment_status FROM orders`))
	s.eventually("no phase is left", func() bool { return s.find(created, "applying") == 0 })
}

// stopDatabase cuts every connection to the system's database, and lets none in until back is called.
func (s *system) stopDatabase() (back func()) {
	s.Helper()
	name := s.text(`SELECT current_database()`)
	server, err := pgx.Connect(s.Context(), os.Getenv(testenv.DatabaseVariable))
	require.NoError(s, err)
	s.Cleanup(func() { server.Close(context.Background()) })
	allow := func(yes bool) {
		s.Helper()
		_, err := server.Exec(s.Context(), fmt.Sprintf(`ALTER DATABASE %s WITH ALLOW_CONNECTIONS %t`, name, yes))
		require.NoError(s, err)
	}
	allow(false)
	_, err = server.Exec(s.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, name)
	require.NoError(s, err)
	return func() { allow(true) }
}
