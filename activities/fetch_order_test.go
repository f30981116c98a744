package activities_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"inorder"
	"inorder/activities"
	"inorder/dev/standin"
)

// fetch calls FetchOrder without any kept answers.
func (s *shop) fetch(id string) (activities.FetchOrderResult, error) {
	activities.ForgetAnswers(s.Activities)
	return do[activities.FetchOrderResult](s, s.FetchOrder, activities.FetchOrderInput{OrderID: id})
}

func TestFetchOrder(t *testing.T) {
	t.Parallel()
	t.Run("creates the order, with its parts, and whoever waits is counted", func(t *testing.T) {
		s := newShop(t)
		o := s.place(1, "pay")[0]
		s.apply(told("evt_1", "order.paid", 1, `{"id":"`+o.ID+`"}`))
		r, err := s.fetch(o.ID)
		require.NoError(t, err)
		require.Equal(t, activities.FetchOrderResult{Found: true, EventID: s.began[0].ID}, r)
		require.Equal(t, "confirmed paid unfulfilled store_1", s.text(`SELECT concat_ws(' ', status, payment_status, fulfillment_status, store_id) FROM orders WHERE id = $1`, o.ID))
		require.Equal(t, "payment completed", s.text(`SELECT kind || ' ' || status FROM order_parts WHERE order_id = $1`, o.ID))
		require.Equal(t, "applied", s.text(`SELECT outcome FROM webhook_events WHERE event_id = $1 AND type = 'order.reconciled'`, r.EventID))
		require.Less(t, time.Since(s.began[0].ReceivedAt), time.Minute)
		require.WithinDuration(t, s.began[0].ReceivedAt, s.began[0].OccurredAt, time.Minute)
	})
	t.Run("twice it makes one event", func(t *testing.T) {
		s := newShop(t)
		o := s.place(1)[0]
		s.events.start = func(_ context.Context, e inorder.Event) error { s.began = append(s.began, e); return nil } // none is applied yet
		for range 2 {
			_, err := s.fetch(o.ID)
			require.NoError(t, err)
		}
		require.Equal(t, s.began[0].ID, s.began[1].ID)
	})
	t.Run("an order that has come meanwhile is left to its events", func(t *testing.T) {
		s := newShop(t)
		o := s.place(1, "pay")[0]
		s.apply(told("evt_1", "order.created", 0, `{"id":"`+o.ID+`"}`))
		r, err := s.fetch(o.ID)
		require.NoError(t, err)
		require.Equal(t, activities.FetchOrderResult{Found: true}, r)
		require.Empty(t, s.began)
	})
}

func TestFetchOrderThatFindsNothingSaysWhy(t *testing.T) {
	t.Parallel()
	t.Run("an order that the platform does not know is a result", func(t *testing.T) {
		s := newShop(t)
		r, err := s.fetch("order_1")
		require.NoError(t, err)
		require.Equal(t, activities.FetchOrderResult{Detail: "the platform does not know it in test mode"}, r)
	})
	t.Run("one whose row somebody deleted is told, and not taken for created", func(t *testing.T) {
		s := newShop(t)
		o := s.place(1)[0]
		_, err := s.fetch(o.ID)
		require.NoError(t, err)
		_, err = s.pool.Exec(t.Context(), `DELETE FROM orders`)
		require.NoError(t, err)
		r, err := s.fetch(o.ID)
		require.NoError(t, err)
		require.False(t, r.Found)
		require.Contains(t, r.Detail, "somebody deleted the order")
	})
	t.Run("without a key it says what is not set", func(t *testing.T) {
		s := newShop(t)
		s.Platform = nil
		r, err := s.fetch("order_1")
		require.NoError(t, err)
		require.Contains(t, r.Detail, "HEADLESS_COMMERCE_API_KEY")
	})
}

func TestFetchOrderIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(w http.ResponseWriter)
		pause  time.Duration
		says   string
	}{
		"slowly, when the key is refused":    {func(w http.ResponseWriter) { w.WriteHeader(401) }, 10 * time.Minute, "check HEADLESS_COMMERCE_API_KEY"},
		"slowly, when the key may not do it": {func(w http.ResponseWriter) { w.WriteHeader(403) }, 10 * time.Minute, "may not do that"},
		"slowly, when there is no Date": {func(w http.ResponseWriter) {
			w.Header()["Date"] = nil
			_, _ = w.Write([]byte(`{"id":"order_1"}`))
		}, 10 * time.Minute, "no Date header"},
		"when the platform says so": {func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(429)
		}, 90 * time.Second, "429"},
		"as usual, when the platform fails": {func(w http.ResponseWriter) { w.WriteHeader(500) }, 0, "500"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.spoil = func(w http.ResponseWriter, _ *http.Request) bool { tc.answer(w); return true }
			_, err := s.fetch("order_1")
			var failed *temporal.ApplicationError
			require.True(t, errors.As(err, &failed), err)
			require.False(t, failed.NonRetryable())
			require.Equal(t, tc.pause, failed.NextRetryDelay())
			require.ErrorContains(t, err, tc.says)
			require.NotContains(t, err.Error(), standin.DefaultKey)
			require.Empty(t, s.began)
		})
	}
}

func TestAWaitingEventAsksFromACertainAgeOn(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Wait.AskAfter = 10 * time.Minute
	look := func(age time.Duration) activities.ApplyEventResult { return s.applyAt(paid("evt_1"), age) }

	require.False(t, look(0).AskPlatform)
	early := look(9 * time.Minute)
	require.False(t, early.AskPlatform)
	require.Equal(t, time.Minute, early.RecheckAfter, "it looks when it may ask")
	require.True(t, look(10*time.Minute).AskPlatform)
	stuck := look(25 * time.Hour)
	require.Equal(t, inorder.Stuck, stuck.Outcome)
	require.True(t, stuck.AskPlatform)

	retried := func() activities.ApplyEventResult {
		r, err := s.ApplyEvent(t.Context(), raw(paid("evt_1")), activities.ApplyEventInput{Receipt: receipt(t, paid("evt_1")), Retried: true})
		require.NoError(t, err)
		return r
	}
	require.True(t, retried().AskPlatform, "a person's retry asks at once")

	s.Platform = nil
	require.False(t, retried().AskPlatform)
	require.False(t, look(time.Hour).AskPlatform)
	require.Equal(t, 9*time.Minute, look(9*time.Minute).RecheckAfter)
	require.False(t, look(31*24*time.Hour).AskPlatform)
}
