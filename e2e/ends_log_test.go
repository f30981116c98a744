package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/sample"
	"inorder/workflows"
)

// ends returns the log lines "event ended" of an event.
func (s *system) ends(id string) (lines []map[string]any) {
	for line := range strings.Lines(s.log()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == "event ended" && fields["event_id"] == id {
			lines = append(lines, fields)
		}
	}
	return lines
}

// eitherWay stands for the way by which an event ended, if a slow start of its workflow may have led it through the inbox.
const eitherWay = ""

// endsOnce waits until the event has ended, and checks that exactly one line logs that, with all these fields. The way is also that of its row.
func (s *system) endsOnce(id, eventType, orderID, outcome, via string) {
	s.t.Helper()
	s.eventually(id+" has ended", func() bool { return s.outcome(id) == outcome && len(s.ends(id)) > 0 })
	require.Len(s.t, s.ends(id), 1)
	end := s.ends(id)[0]
	var recorded string
	require.NoError(s.t, s.pool.QueryRow(s.t.Context(), `SELECT via FROM webhook_events WHERE event_id = $1`, id).Scan(&recorded))
	if via == eitherWay {
		via = recorded
	}
	require.Equal(s.t, via, recorded)
	require.Equal(s.t, []any{id, eventType, orderID, outcome, via},
		[]any{end["event_id"], end["event_type"], end["order_id"], end["outcome"], end["via"]}, "%v", end)
}

// However an event ends, exactly one log line says so, with the event's ID, its type and its order.
func TestEachEndIsLoggedOnceWithItsOrder(t *testing.T) {
	t.Parallel()
	s := newSystem(t, append(adminEnv(t), "LOG_FORMAT=json", "LOG_LEVEL=debug", "PENDING_TTL=1h", "STUCK_AFTER=30m")...)
	temporal, _ := s.throughProxies()
	s.serve()
	now := time.Now()
	post := func(id, eventType, orderID string, at time.Time, data map[string]any) {
		t.Helper()
		status, _, err := s.post(sample.Event(sample.Options{ID: id, Type: eventType, OrderID: orderID, At: at, Data: data}))
		require.NoError(t, err)
		require.Equal(t, 200, status)
	}

	post("evt_waits", "order.paid", "order_1", now, nil)
	post("evt_up", "order.paid", "order_up", now, nil)
	s.eventually("they wait", func() bool { return s.count(`SELECT count(*) FROM pending_events`) == 2 })
	post("evt_creates", "order.created", "order_1", now.Add(-time.Minute), nil)
	s.endsOnce("evt_creates", "order.created", "order_1", "applied", eitherWay)
	s.endsOnce("evt_waits", "order.paid", "order_1", "applied", eitherWay)
	post("evt_creates", "order.created", "order_1", now.Add(-time.Minute), nil)
	s.eventually("its duplicate is logged", func() bool {
		return strings.Contains(s.log(), `"msg":"delivery duplicate","event_id":"evt_creates","event_type":"order.created","order_id":"order_1"`)
	})
	post("evt_late", "order.created", "order_1", now.Add(-time.Hour), nil)
	s.endsOnce("evt_late", "order.created", "order_1", "stale", eitherWay)
	post("evt_other", "product.updated", "", now, nil)
	s.endsOnce("evt_other", "product.updated", "", "ignored", eitherWay)

	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), "evt_up", ""))
	s.endsOnce("evt_up", "order.paid", "order_up", "discarded", "workflow")
	post("evt_bad", "order.confirmed", "order_1", now.Add(48*time.Hour), nil)
	s.eventually("it needs a person", func() bool { return s.count(`SELECT count(*) FROM pending_events WHERE phase = 'attention'`) == 1 })
	s.operate(0, "events discard evt_bad --reason test --yes")
	s.endsOnce("evt_bad", "order.confirmed", "order_1", "discarded", "workflow")
	old, err := inorder.ParseEvent(sample.Event(sample.Options{ID: "evt_old", Type: "order.paid", OrderID: "order_never", At: now.Add(-2 * time.Hour)}))
	require.NoError(t, err)
	old.ReceivedAt = now.Add(-2 * time.Hour)
	require.NoError(t, workflows.Events{Client: s.temporal, Namespace: s.namespace, TaskQueue: "inorder"}.Start(t.Context(), old))
	s.endsOnce("evt_old", "order.paid", "order_never", "expired", "workflow")

	temporal.cut()
	post("evt_inbox", "order.confirmed", "order_1", now.Add(time.Minute), nil)
	s.endsOnce("evt_inbox", "order.confirmed", "order_1", "applied", "inbox")
}
