package activities_test

import (
	"context"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/activities"
	"inorder/internal/operate"
	"inorder/internal/retention"
	"inorder/internal/sweep"
)

const day = 24 * time.Hour

// life is the life of one event, evt_1, on real tables. Time passes by backdating everything that is written.
type life struct {
	*store
	receivedAt time.Time // as the workflow's input has it
	engine     *engineOfOne
}

func newLife(s *store, r retention.Settings) *life {
	s.t.Helper()
	_, err := s.pool.Exec(s.t.Context(), `TRUNCATE webhook_events, pending_events, event_inbox, orders, order_parts, purge_progress`)
	require.NoError(s.t, err)
	s.EventRetention, s.PayloadRetention, s.RefusedRetention = r.Events, r.Payloads, r.Refused
	s.Wait.TTL, s.Wait.StuckAfter = r.PendingTTL, r.StuckAfter
	l := &life{store: s, receivedAt: time.Now().UTC(), engine: &engineOfOne{}}
	l.engine.life = l
	return l
}

// The audit is append-only, so its trigger is disabled for this.
var ageing = []string{`SET LOCAL session_replication_role = replica`,
	`UPDATE webhook_events SET processed_at = processed_at - $1::interval, received_at = received_at - $1::interval, payload_removed_at = payload_removed_at - $1::interval`,
	`UPDATE pending_events SET received_at = received_at - $1::interval, seen_at = seen_at - $1::interval, retried_at = retried_at - $1::interval`,
	`UPDATE event_inbox SET received_at = received_at - $1::interval, not_before = not_before - $1::interval`,
	`UPDATE purge_progress SET reached = reached - $1::interval`,
	`UPDATE audit_log SET at = at - $1::interval`,
	`UPDATE refused_deliveries SET at = at - $1::interval`,
	`UPDATE idempotency_keys SET created_at = created_at - $1::interval`,
}

// pass lets time pass.
func (l *life) pass(d time.Duration) {
	l.t.Helper()
	l.receivedAt = l.receivedAt.Add(-d)
	tx, err := l.pool.Begin(l.t.Context())
	require.NoError(l.t, err)
	defer tx.Rollback(l.t.Context())
	for i, sql := range ageing {
		if i == 0 {
			_, err = tx.Exec(l.t.Context(), sql)
		} else {
			_, err = tx.Exec(l.t.Context(), sql, d)
		}
		require.NoError(l.t, err)
	}
	require.NoError(l.t, tx.Commit(l.t.Context()))
}

// run runs one attempt of the event's workflow, which was started by the event's first delivery.
func (l *life) run() inorder.Outcome { l.t.Helper(); return l.runWith(l.receivedAt, time.Time{}) }

// redelivered runs one attempt of the workflow that a later delivery starts, after Temporal has forgotten the first workflow.
func (l *life) redelivered() inorder.Outcome {
	l.t.Helper()
	return l.runWith(time.Now(), time.Time{})
}

func (l *life) runWith(receivedAt, retriedAt time.Time) inorder.Outcome {
	l.t.Helper()
	r, err := l.ApplyEvent(l.t.Context(), raw(paid("evt_1")), activities.ApplyEventInput{
		Receipt: activities.Receipt{EventID: "evt_1", ReceivedAt: receivedAt, RetriedAt: retriedAt}, Age: time.Since(receivedAt)})
	require.NoError(l.t, err)
	return r.Outcome
}

// applied lets the order be created and the event be applied.
func (l *life) applied() {
	l.t.Helper()
	l.orderIsCreated()
	require.Equal(l.t, inorder.Applied, l.run())
}

// orderIsCreated creates the order by another event, which leaves no row.
func (l *life) orderIsCreated() {
	l.t.Helper()
	_, err := l.ApplyEvent(l.t.Context(), raw(created("evt_0")), activities.ApplyEventInput{Receipt: activities.Receipt{EventID: "evt_0", ReceivedAt: time.Now()}})
	require.NoError(l.t, err)
	_, err = l.pool.Exec(l.t.Context(), `DELETE FROM webhook_events WHERE event_id = 'evt_0'`)
	require.NoError(l.t, err)
}

// end returns how the event has ended: when its row was written, and whether the row has its payload; "" without a row.
func (l *life) end() string {
	l.t.Helper()
	return l.text(`SELECT coalesce((SELECT concat_ws(' ', outcome, CASE WHEN payload IS NULL THEN 'without payload' ELSE 'with payload' END, 'by ' || xmin) FROM webhook_events WHERE event_id = 'evt_1'), '')`)
}

func (l *life) has(outcome inorder.Outcome, payload string) {
	l.t.Helper()
	require.Contains(l.t, l.end(), fmt.Sprintf("%s %s payload", outcome, payload))
}

func (l *life) purged() activities.PurgeResult { l.t.Helper(); return l.purge(time.Now()) }

// unchanged runs f, which must return what was recorded and write nothing.
func (l *life) unchanged(f func() inorder.Outcome, outcome inorder.Outcome) {
	l.t.Helper()
	before := l.end()
	require.NotEmpty(l.t, before)
	require.Equal(l.t, outcome, f())
	require.Equal(l.t, before, l.end())
}

// sweep runs a sweep that was scheduled at that time. The run of the event's workflow was terminated.
func (l *life) sweep(scheduled time.Time) sweep.Report {
	l.t.Helper()
	s := sweep.Sweep{Store: l.Store, Engine: l.engine, Retention: l.EventRetention, Now: scheduled}
	report, err := s.Run(l.t.Context())
	require.NoError(l.t, err)
	return report
}

// replay replays the event as a person does.
func (l *life) replay() error {
	o := operate.Operator{Store: l.Store, Engine: l.engine}
	_, err := o.Replay(l.t.Context(), "evt_1", operate.Act{Actor: "anna", Reason: "try"})
	return err
}

// engineOfOne stands in for Temporal with the workflow of one event, which somebody terminated.
type engineOfOne struct {
	operate.Engine
	life    *life
	start   func() // if set, runs between the decision to start the workflow and the start
	outcome inorder.Outcome
}

func (e *engineOfOne) Running(context.Context, string) (bool, error) { return false, nil }

func (e *engineOfOne) InAttention(context.Context, []byte) ([]sweep.Run, []byte, error) {
	return nil, nil, nil
}

func (e *engineOfOne) Lost(context.Context, time.Time, []byte) ([]sweep.Run, []byte, error) {
	return []sweep.Run{{WorkflowID: "evt_1", RunID: "1"}}, nil, nil
}

func (e *engineOfOne) Input(context.Context, sweep.Run) (inorder.Event, bool, error) {
	event, err := inorder.ParseEvent([]byte(paid("evt_1")))
	event.ReceivedAt = e.life.receivedAt
	return event, true, err
}

// Revive runs the workflow's first attempt.
func (e *engineOfOne) Revive(context.Context, inorder.Event, string) (bool, error) {
	if e.start != nil {
		e.start()
	}
	e.outcome = e.life.run()
	return true, nil
}

func (e *engineOfOne) Describe(context.Context, string) (operate.Run, bool, error) {
	return operate.Run{}, false, nil
}

func (e *engineOfOne) Replay(context.Context, inorder.Event, int, operate.Act) (string, bool, error) {
	return "inorder-replay-evt_1-1", true, nil
}

func (e *engineOfOne) URL(string, string) string { return "" }
