package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"inorder"
	"inorder/dev/testenv"
	"inorder/internal/api"
	"inorder/internal/operate"
	"inorder/internal/store"
	"inorder/workflows"
)

var byAda = operate.Act{Actor: "ada", Reason: "because"}

func (s *system) operator() *operate.Operator {
	return &operate.Operator{Store: store.New(s.pool), Engine: s.events()}
}

// withoutTemporal returns an operator to whom Temporal does not answer.
func (s *system) withoutTemporal() *operate.Operator {
	s.Helper()
	away, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1", Logger: log.NewStructuredLogger(testenv.Log)})
	require.NoError(s, err)
	s.Cleanup(away.Close)
	return &operate.Operator{Store: store.New(s.pool), Engine: workflows.Events{Client: away, Namespace: client.DefaultNamespace, TaskQueue: s.queue}}
}

// audit returns what was done to an event, according to the audit.
func (s *system) audit(eventID string) string {
	s.Helper()
	return s.text(`SELECT string_agg(concat_ws(' ', actor, action, via, result), '; ' ORDER BY id) FROM audit_log WHERE event_id = $1`, eventID)
}

func (s *system) outcome(eventID string) string {
	s.Helper()
	return s.text(`SELECT outcome FROM webhook_events WHERE event_id = $1`, eventID)
}

// oneRow requires that the event has one row.
func (s *system) oneRow(eventID string) {
	s.Helper()
	require.Equal(s, "1", s.text(`SELECT (SELECT count(*) FROM webhook_events WHERE event_id = $1) + (SELECT count(*) FROM pending_events WHERE event_id = $1)
		+ (SELECT count(*) FROM event_inbox WHERE event_id = $1)`, eventID), "counted once")
}

// unfit requires that the action did not fit, and that actions are those that would.
func unfit(t testing.TB, err error, actions ...api.Action) {
	t.Helper()
	var e *operate.UnfitError
	require.ErrorAs(t, err, &e)
	require.Equal(t, append([]api.Action{}, actions...), e.Actions, e.Error())
}

func unavailable(t testing.TB, err error, source string) {
	t.Helper()
	var e *operate.UnavailableError
	require.ErrorAs(t, err, &e)
	require.Equal(t, source, e.Source, e.Error())
}

// discardedEvent returns a payment that was discarded before its order was created.
func (s *system) discardedEvent() inorder.Event {
	s.Helper()
	e := s.event("order.paid", "")
	s.begin(e)
	s.awaitPhase(e, workflows.PhaseWaiting)
	_, err := s.operator().Discard(s.Context(), e.ID, byAda)
	require.NoError(s, err)
	s.result(s.client.GetWorkflow(s.Context(), e.ID, ""))
	return e
}

// replay replays the event, and returns what was done, with the replay's workflow.
func (s *system) replay(e inorder.Event) api.Done {
	s.Helper()
	d, err := s.operator().Replay(s.Context(), e.ID, byAda)
	require.NoError(s, err)
	require.Equal(s, "replaying", d.Result)
	return d
}

func (s *system) inbox(e inorder.Event) {
	s.Helper()
	s.exec(`INSERT INTO event_inbox (event_id, order_id, body, received_at, not_before) VALUES ($1, $2, $3, $4, now() + interval '1 hour')`,
		e.ID, s.order, []byte(e.Body), e.ReceivedAt)
}

// amended returns a corrected body of the event.
func (s *system) amended(e inorder.Event, eventType, data string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"type":%q,"created_at":%q,"data":{"id":%q%s},"store_id":"store_1"}`,
		e.ID, eventType, time.Now().Add(-time.Minute).UTC().Format(time.RFC3339), s.order, data)
}
