package activities_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/activities"
	"inorder/dev/testenv"
)

// holdUp counts the requests for orders, and answers none before release is called.
func (s *shop) holdUp() (asked *atomic.Int32, release func()) {
	asked, gate := &atomic.Int32{}, make(chan struct{})
	s.spoil = func(http.ResponseWriter, *http.Request) bool {
		asked.Add(1)
		<-gate
		return false
	}
	release = sync.OnceFunc(func() { close(gate) })
	s.t.Cleanup(release)
	return asked, release
}

func TestOneQuestionForAnOrderAtATime(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := s.place(1, "pay")[0]
	asked, release := s.holdUp()
	var began atomic.Int32
	s.events.start = func(context.Context, inorder.Event) error { began.Add(1); return nil }
	ask := func(order string) activities.FetchOrderResult {
		r, err := s.FetchOrder(t.Context(), activities.FetchOrderInput{OrderID: order})
		require.NoError(t, err)
		return r
	}
	results := make(chan activities.FetchOrderResult, 200)
	for range 200 {
		go func() { results <- ask(o.ID) }()
	}
	other := make(chan activities.FetchOrderResult, 1)
	go func() { other <- ask("order_another") }()
	require.Eventually(t, func() bool { return asked.Load() == 2 }, testenv.Patience, time.Millisecond, "another order is another question")
	release()
	first := <-results
	require.True(t, first.Found)
	for range 199 {
		require.Equal(t, first, <-results)
	}
	require.Equal(t, "the platform does not know it in test mode", (<-other).Detail)
	require.Equal(t, first, ask(o.ID), "who comes a moment later learns it, too")
	require.False(t, ask("order_another").Found)
	require.EqualValues(t, 2, asked.Load())
	require.EqualValues(t, 1, began.Load())
}

func TestAnAnswerIsRememberedForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q activities.Questions
		asked := 0
		ask := func(err error) {
			_, got := q.Ask(t.Context(), "order_1", func() (activities.FetchOrderResult, error) { asked++; return activities.FetchOrderResult{}, err })
			require.Equal(t, err, got)
		}
		away := errors.New("away")
		ask(away)
		time.Sleep(4 * time.Second)
		ask(away)
		require.Equal(t, 1, asked)
		time.Sleep(6 * time.Second) // FetchOrder is retried after ten
		ask(nil)
		require.Equal(t, 2, asked, "a failure is not remembered until the next try")
		time.Sleep(9 * time.Second)
		ask(nil)
		require.Equal(t, 2, asked)
		time.Sleep(2 * time.Second)
		ask(nil)
		require.Equal(t, 3, asked)
	})
}

func TestAQuestionThatIsCutOffIsAskedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q activities.Questions
		gate := make(chan struct{})
		go func() {
			defer func() { _ = recover() }()
			_, _ = q.Ask(t.Context(), "order_1", func() (activities.FetchOrderResult, error) { <-gate; panic("x") })
		}()
		synctest.Wait()
		never := func() (activities.FetchOrderResult, error) { panic("it is being asked") }

		waits, leave := context.WithCancel(t.Context())
		failed := make(chan error, 2)
		go func() { _, err := q.Ask(waits, "order_1", never); failed <- err }()
		synctest.Wait()
		leave()
		require.ErrorIs(t, <-failed, context.Canceled, "who gives up does not wait")

		go func() { _, err := q.Ask(t.Context(), "order_1", never); failed <- err }()
		synctest.Wait()
		close(gate)
		require.ErrorContains(t, <-failed, "was interrupted")
		time.Sleep(6 * time.Second)
		r, err := q.Ask(t.Context(), "order_1", func() (activities.FetchOrderResult, error) { return activities.FetchOrderResult{Found: true}, nil })
		require.NoError(t, err)
		require.True(t, r.Found)
	})
}

func TestFewAnswersAreRemembered(t *testing.T) {
	t.Parallel()
	var q activities.Questions
	for i := range 3 * activities.MaxRemembered {
		_, err := q.Ask(t.Context(), fmt.Sprint(i), func() (activities.FetchOrderResult, error) { return activities.FetchOrderResult{}, nil })
		require.NoError(t, err)
	}
	require.Equal(t, activities.MaxRemembered, q.Remembered())
}
