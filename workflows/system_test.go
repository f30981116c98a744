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
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"inorder"
	"inorder/activities"
	"inorder/dev/testenv"
	"inorder/internal/loglimit"
	"inorder/internal/retention"
	"inorder/internal/sample"
	"inorder/worker"
	"inorder/workflows"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// system is a worker on real servers, with a database and a task queue of its own.
type system struct {
	*testing.T
	client client.Client
	pool   *pgxpool.Pool
	queue  string
	order  string // an order ID that no other test uses
	worker sdk.Worker
}

func newSystem(t *testing.T) *system {
	return &system{T: t, client: testenv.Temporal(t), pool: testenv.Database(t), queue: sample.NewID("queue_"), order: sample.NewID("order_")}
}

// work runs a worker, as `inorder worker` does, until the test ends or another call replaces it.
func (s *system) work(change ...func(*worker.Options)) {
	s.Helper()
	o := worker.Options{
		Client: s.client, Namespace: client.DefaultNamespace, Pool: s.pool, TaskQueue: s.queue, Log: testenv.Log, Limited: loglimit.New(testenv.Log, loglimit.Every), MaxEventSkew: time.Hour, Retention: retention.Settings{Events: 30 * 24 * time.Hour},
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

func shortWait(o *worker.Options) {
	o.Wait.Recheck, o.Wait.StuckAfter = 50*time.Millisecond, 150*time.Millisecond
}

func (s *system) rest() {
	if s.worker != nil {
		s.worker.Stop()
		s.worker = nil
	}
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

// startByHand starts the event's workflow with a receipt that somebody typed.
func (s *system) startByHand(e inorder.Event, received string) {
	s.Helper()
	options, body, _ := workflows.StartRequest(s.queue, e)
	receipt := map[string]any{"event_id": e.ID, "received_at": received}
	_, err := s.client.ExecuteWorkflow(s.Context(), options, workflows.ProcessEventType, body, receipt)
	require.NoError(s, err)
}

const confirmed = `,"status":"confirmed","total":{"amount":78000,"currency":"KRW"}`

// event returns an event of the system's order.
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

// eventOf returns an event of any order, dated second seconds after a quarter of an hour ago.
func (s *system) eventOf(order, eventType string, second int, data string) inorder.Event {
	s.Helper()
	at := time.Now().Add(-15 * time.Minute).Add(time.Duration(second) * time.Second)
	e, err := inorder.ParseEvent(fmt.Appendf(nil, `{"id":%q,"type":%q,"created_at":%q,"data":{"order_id":%q%s},"store_id":"store_1"}`,
		sample.NewID("evt_"), eventType, at.UTC().Format(time.RFC3339), order, data))
	require.NoError(s, err)
	e.ReceivedAt = time.Now().UTC()
	return e
}

// parse returns the event of any body, as just received.
func (s *system) parse(body string) inorder.Event {
	s.Helper()
	e, err := inorder.ParseEvent([]byte(body))
	require.NoError(s, err)
	e.ReceivedAt = time.Now().UTC()
	return e
}

func (s *system) exec(sql string, args ...any) {
	s.Helper()
	_, err := s.pool.Exec(s.Context(), sql, args...)
	require.NoError(s, err)
}

func (s *system) text(sql string, args ...any) (value string) {
	s.Helper()
	require.NoError(s, s.pool.QueryRow(s.Context(), "SELECT coalesce(("+sql+")::text, '')", args...).Scan(&value))
	return value
}

func (s *system) ended(ids []string) (n int) {
	s.Helper()
	require.NoError(s, s.pool.QueryRow(s.Context(), `SELECT count(*) FROM webhook_events WHERE event_id = ANY($1)`, ids).Scan(&n))
	return n
}

// hold runs SQL in a transaction on a connection of its own, which stays open until release.
func (s *system) hold(sql string, args ...any) (release func()) {
	s.Helper()
	conn, err := pgx.ConnectConfig(s.Context(), s.pool.Config().ConnConfig)
	require.NoError(s, err)
	s.Cleanup(func() { conn.Close(context.Background()) })
	_, err = conn.Exec(s.Context(), "BEGIN")
	require.NoError(s, err)
	_, err = conn.Exec(s.Context(), sql, args...)
	require.NoError(s, err)
	return func() {
		s.Helper()
		_, err := conn.Exec(s.Context(), "COMMIT")
		require.NoError(s, err)
	}
}

// stopDatabase cuts every connection to the system's database, and allows none until back is called.
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
