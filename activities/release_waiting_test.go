package activities_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"inorder"
)

func (s *store) release() (woke int, err error) {
	s.t.Helper()
	env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
	env.RegisterActivity(s.Activities)
	v, err := env.ExecuteActivity(s.ReleaseWaiting, "order_1")
	if err == nil {
		require.NoError(s.t, v.Get(&woke))
	}
	return woke, err
}

func TestReleaseWaiting(t *testing.T) {
	t.Run("wakes the oldest first, and nobody else's", func(t *testing.T) {
		s := newStore(t)
		s.apply(told("evt_b", "order.paid", 2, `{"id":"order_1"}`))
		s.apply(told("evt_c", "order.paid", 1, `{"id":"order_1"}`))
		s.apply(told("evt_a", "order.paid", 2, `{"id":"order_1"}`))
		s.apply(told("evt_d", "order.paid", 0, `{"id":"order_2"}`))
		n, err := s.release()
		require.NoError(t, err)
		require.Equal(t, 3, n)
		require.Equal(t, []string{"evt_c", "evt_a", "evt_b"}, s.woke)
	})
	t.Run("hands over the whole event, under the ID it was received with", func(t *testing.T) {
		s := newStore(t)
		body := `{"type":"order.paid","created_at":"2025-01-15T10:00:00Z","data":{"id":"order_1","n":9007199254740993},"store_id":"store_1"}`
		s.apply(body)
		var got inorder.Event
		s.Wake = func(_ context.Context, e inorder.Event) error { got = e; return nil }
		_, err := s.release()
		require.NoError(t, err)
		require.Equal(t, receipt(t, body).EventID, got.ID)
		require.True(t, got.ReceivedAt.Equal(received))
		require.Equal(t, "order_1", got.OrderID())
		require.JSONEq(t, body, string(got.Body))
		require.Contains(t, string(got.Body), "9007199254740993")
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
		s.Wake = func(ctx context.Context, e inorder.Event) error {
			if e.ID == "evt_a" {
				return errors.New("not now")
			}
			return s.wake(ctx, e)
		}
		_, err := s.release()
		requireRetryable(t, err)
		require.ErrorContains(t, err, "1 of 2 waiting events could not be woken: wake event evt_a: not now")
		require.Equal(t, []string{"evt_b"}, s.woke)
	})
}
