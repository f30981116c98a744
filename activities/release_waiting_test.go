package activities_test

import (
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
)

func (s *store) release() (woke int, err error) {
	s.t.Helper()
	return s.releaseIn(func(*testsuite.TestActivityEnvironment) {})
}

func (s *store) releaseIn(change func(*testsuite.TestActivityEnvironment)) (woke int, err error) {
	s.t.Helper()
	env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
	env.RegisterActivity(s.Activities)
	change(env)
	v, err := env.ExecuteActivity(s.ReleaseWaiting, "order_1")
	if err == nil {
		require.NoError(s.t, v.Get(&woke))
	}
	return woke, err
}

func TestReleaseWaiting(t *testing.T) {
	t.Parallel()
	t.Run("wakes the oldest first, and nobody else's", func(t *testing.T) {
		s := newStore(t)
		s.apply(told("evt_b", "order.paid", 2, `{"id":"order_1"}`))
		s.apply(told("evt_c", "order.paid", 1, `{"id":"order_1"}`))
		s.apply(told("evt_a", "order.paid", 2, `{"id":"order_1"}`))
		s.apply(told("evt_d", "order.paid", 0, `{"id":"order_2"}`))
		n, err := s.release()
		require.NoError(t, err)
		require.Equal(t, 3, n)
		require.Equal(t, []string{"evt_c", "evt_a", "evt_b"}, s.events.woke)
	})
	t.Run("starts one that lost its workflow anew, as it was received", func(t *testing.T) {
		s := newStore(t)
		body := `{"type":"order.paid" , "created_at":"2025-01-15T10:00:00Z","data":{"id":"order_1","n":1e300},"store_id":"store_1"}`
		s.apply(body)
		id := receipt(t, body).EventID
		s.events.gone = map[string]bool{id: true}
		_, err := s.release()
		require.NoError(t, err)
		require.Len(t, s.events.revived, 1)
		got := s.events.revived[0]
		require.Equal(t, id, got.ID)
		require.True(t, got.ReceivedAt.Equal(received))
		require.Equal(t, "order_1", got.OrderID())
		require.Equal(t, body, string(got.Body), "byte for byte, and not the text of jsonb")
	})
	t.Run("starts one of an older program anew, from its payload", func(t *testing.T) {
		s := newStore(t)
		s.apply(paid("evt_1"))
		s.exec(`UPDATE pending_events SET body = NULL`)
		s.events.gone = map[string]bool{"evt_1": true}
		_, err := s.release()
		require.NoError(t, err)
		require.JSONEq(t, paid("evt_1"), string(s.events.revived[0].Body))
	})
}

func TestReleaseWaitingReadsAPageAtATime(t *testing.T) {
	t.Parallel()
	t.Run("reads them a page at a time", func(t *testing.T) {
		s := newStore(t)
		s.wait(450)
		n, err := s.release()
		require.NoError(t, err)
		require.Equal(t, 450, n)
		require.Len(t, s.events.woke, 450)
		require.True(t, slices.IsSorted(s.events.woke))
	})
}

// TestReleaseWaitingReadsNoBodies is not parallel, because it counts what the process allocates.
func TestReleaseWaitingReadsNoBodies(t *testing.T) {
	s := newStore(t)
	s.wait(200)
	s.exec(`UPDATE pending_events SET body = convert_to(repeat('x', 100000), 'UTF8'), payload = to_jsonb(repeat('x', 100000))`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := s.release()
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(10<<20), "of 20 MB of bodies of events that are awake")
}

func TestReleaseWaitingWakesOnlyWhoWaits(t *testing.T) {
	t.Parallel()
	t.Run("does not wake what needs a person", func(t *testing.T) {
		s := newStore(t)
		s.apply(told("evt_1", "order.updated", 0, `{"id":"order_1","status":7}`))
		require.Zero(t, s.apply(created("evt_2")).Waiters)
		n, err := s.release()
		require.NoError(t, err)
		require.Zero(t, n)
	})
	t.Run("nobody waits", func(t *testing.T) {
		s := newStore(t)
		n, err := s.release()
		require.NoError(t, err)
		require.Zero(t, n)
	})
	t.Run("one that cannot be woken does not hold up the others, and is tried again", func(t *testing.T) {
		s := newStore(t)
		s.apply(told("evt_a", "order.paid", 0, `{"id":"order_1"}`))
		s.apply(told("evt_b", "order.paid", 1, `{"id":"order_1"}`))
		s.events.failing = map[string]bool{"evt_a": true}
		_, err := s.release()
		requireRetryable(t, err)
		require.ErrorContains(t, err, "1 of 2 waiting events could not be woken: wake event evt_a: not now")
		require.Equal(t, []string{"evt_b"}, s.events.woke)
	})
}

// wait creates n waiting events of order_1, three per second, with evt_0001 the oldest. They end when they are woken.
func (s *store) wait(n int) {
	s.t.Helper()
	s.exec(`INSERT INTO pending_events (event_id, order_id, type, payload, body, occurred_at, received_at, phase)
		SELECT 'evt_' || lpad(n::text, 4, '0'), 'order_1', 'order.paid', '{}', '{}', to_timestamp(n / 3), to_timestamp(n / 2), 'waiting' FROM generate_series(1, $1) n`, n)
	s.events.woken = func(id string) { s.exec(`DELETE FROM pending_events WHERE event_id = $1`, id) }
}

func TestReleaseWaitingIsCutOff(t *testing.T) {
	var last json.RawMessage // heartbeat
	listen := func(env *testsuite.TestActivityEnvironment) {
		env.SetOnActivityHeartbeatListener(func(_ *activity.Info, v converter.EncodedValues) { require.NoError(t, v.Get(&last)) })
	}
	t.Run("and goes on where it had come to", func(t *testing.T) {
		s := newStore(t)
		s.wait(300)
		cursor := json.RawMessage(`{"after":{"event_id":"evt_0250","occurred_us":83000000,"received_us":125000000},"woken":250}`)
		n, err := s.releaseIn(func(env *testsuite.TestActivityEnvironment) { listen(env); env.SetHeartbeatDetails(cursor) })
		require.NoError(t, err)
		require.Equal(t, 300, n)
		require.Len(t, s.events.woke, 50)
		require.Equal(t, "evt_0251", s.events.woke[0])
		require.JSONEq(t, string(cursor), string(last), "its first heartbeat comes before anything else, and loses nothing")
	})
	t.Run("in the middle of waking, and passes over nobody", func(t *testing.T) {
		s := newStore(t)
		s.wait(10)
		ctx, cancel := context.WithCancel(t.Context())
		s.events.woken = func(id string) {
			if id == "evt_0003" {
				cancel()
			}
		}
		_, err := s.releaseIn(func(env *testsuite.TestActivityEnvironment) {
			listen(env)
			env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
		})
		require.ErrorContains(t, err, "canceled")
		require.Equal(t, []string{"evt_0001", "evt_0002", "evt_0003"}, s.events.woke)
	})
	t.Run("after one that could not be woken, and then begins anew", func(t *testing.T) {
		s := newStore(t)
		s.wait(3)
		_, err := s.releaseIn(func(env *testsuite.TestActivityEnvironment) {
			listen(env)
			env.SetHeartbeatDetails(json.RawMessage(`{"after":{"event_id":"evt_0002","occurred_us":0,"received_us":1000000},"woken":1,"failed":1}`))
		})
		requireRetryable(t, err)
		require.ErrorContains(t, err, "1 of 3 waiting events could not be woken")
		require.JSONEq(t, `{"after":{"event_id":"","occurred_us":0,"received_us":0},"woken":0}`, string(last))
	})
}
