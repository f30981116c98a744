package receiver

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"inorder"
	"inorder/internal/delivery"
	"inorder/internal/inbox"
)

// slowStarter answers a start after takes. It records whether a start was canceled.
type slowStarter struct {
	takes    time.Duration
	err      error
	mu       sync.Mutex
	started  int
	canceled bool
}

func (s *slowStarter) ExecuteWorkflow(ctx context.Context, _ client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		s.mu.Lock()
		s.canceled = true
		s.mu.Unlock()
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started++
	return nil, s.err
}

// memoryInbox is an inbox in memory that takes a while, too.
type memoryInbox struct {
	takes   time.Duration
	err     error // closes the inbox: Open reports false
	fails   error // of Put, while Open reports true
	known   bool  // every event is a duplicate
	mu      sync.Mutex
	put     map[string]time.Duration // by event ID, how long the event is left alone
	removed []string
}

func (m *memoryInbox) Put(e inorder.Event, after time.Duration) (bool, error) {
	time.Sleep(m.takes)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.put == nil {
		m.put = map[string]time.Duration{}
	}
	m.put[e.ID] = after
	return m.known, cmp.Or(m.err, m.fails)
}

func (m *memoryInbox) Remove(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.removed = append(m.removed, id)
}

func (m *memoryInbox) Open() bool { return m.err == nil }

func newWays(s *slowStarter, m *memoryInbox) *ways {
	o := Options{Starter: s, StarterName: "Temporal"}.withDefaults()
	return &ways{engine: newEngine(o), inbox: m, now: time.Now}
}

var one = inorder.Event{ID: "evt_1", Type: "order.paid"}

// took accepts an event and returns the result and how long that took, in the bubble's time.
func took(w *ways, e inorder.Event) (result string, d time.Duration, err error) {
	begin := time.Now()
	result, err = w.accept(context.Background(), e)
	return result, time.Since(begin), err
}

func TestTemporalTakesWhatItCan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &slowStarter{takes: 20 * time.Millisecond}, &memoryInbox{}
		result, d, err := took(newWays(s, m), one)
		require.NoError(t, err)
		require.Equal(t, delivery.ResultAccepted, result)
		require.Equal(t, 20*time.Millisecond, d)
		require.Empty(t, m.put)
	})
}

func TestASlowStartIsNotCanceledAndTheInboxAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &slowStarter{takes: 2 * time.Second}, &memoryInbox{takes: 5 * time.Millisecond}
		result, d, err := took(newWays(s, m), one)
		require.NoError(t, err)
		require.Equal(t, delivery.ResultSpilled, result)
		require.Equal(t, calmBudget+5*time.Millisecond, d)
		require.Equal(t, graceForStart, m.put["evt_1"], "the drainer leaves it alone meanwhile")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, s.started)
		require.False(t, s.canceled)
		require.Equal(t, []string{"evt_1"}, m.removed, "Temporal has it after all")
	})
}

func TestAStartThatIsQuickerThanTheInboxAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &slowStarter{takes: 300 * time.Millisecond}, &memoryInbox{takes: 2 * time.Second}
		result, d, err := took(newWays(s, m), one)
		require.NoError(t, err)
		require.Equal(t, delivery.ResultAccepted, result)
		require.Equal(t, 300*time.Millisecond, d)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"evt_1"}, m.removed, "once it is there")
	})
}

func TestWhatTemporalRefusesGoesIntoTheInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &slowStarter{err: errors.New("no")}, &memoryInbox{}
		w := newWays(s, m)
		for range failuresToOpen {
			result, _, err := took(w, one)
			require.NoError(t, err)
			require.Equal(t, delivery.ResultSpilled, result)
		}
		started := s.started
		m.known = true
		result, _, err := took(w, one)
		require.NoError(t, err)
		require.Equal(t, delivery.ResultDuplicate, result, "it is in the inbox")
		require.Equal(t, started, s.started, "Temporal is left alone for a while")
		require.False(t, w.engine.open())

		time.Sleep(openFor)
		s.err, m.known = nil, false
		result, _, err = took(w, one)
		require.NoError(t, err)
		require.Equal(t, delivery.ResultAccepted, result)
	})
}

func TestWithoutBothWaysEachIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &slowStarter{err: errors.New("no")}, &memoryInbox{err: errors.New("PostgreSQL does not answer")}
		_, _, err := took(newWays(s, m), one)
		require.EqualError(t, err, "Temporal failed: no; and PostgreSQL does not answer")

		s.takes, s.err = 3*time.Second, nil // slow is better than nothing
		result, d, err := took(newWays(s, m), one)
		require.NoError(t, err)
		require.Equal(t, delivery.ResultAccepted, result)
		require.Equal(t, 3*time.Second, d)
	})
}

func TestTheFirstWayIsTakenAfterAllWhenItIsOpenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &slowStarter{err: errors.New("no")}, &memoryInbox{}
		w := newWays(s, m)
		for range failuresToOpen {
			_, _, err := took(w, one)
			require.NoError(t, err)
		}
		require.False(t, w.engine.open())
		s.err, m.takes, m.fails = nil, 5*time.Second, errors.New("timeout") // Temporal comes back as PostgreSQL goes
		result, _, err := took(w, one)
		require.NoError(t, err)
		require.Equal(t, delivery.ResultAccepted, result)
	})
}

func TestAFullInboxRefusesAtOnceWhileTemporalHasNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &slowStarter{takes: 200 * time.Millisecond}, &memoryInbox{fails: inbox.ErrFull}
		w := newWays(s, m)
		var busy sync.WaitGroup
		for range defaultMaxStarts {
			busy.Go(func() { _, _ = w.accept(context.Background(), one) })
		}
		synctest.Wait()
		_, d, err := took(w, one)
		require.ErrorIs(t, err, inbox.ErrFull)
		require.ErrorContains(t, err, "16 starts are under way")
		require.Zero(t, d)
		busy.Wait()
	})
}

// Sixteen events of the same instant all get slots. One more begins load, and then only few get one until it is calm again.
func TestSlots(t *testing.T) {
	s := newSlots(defaultMaxStarts)
	now := time.Now()
	for range defaultMaxStarts {
		require.True(t, s.take(now))
	}
	require.False(t, s.isLoaded())
	require.False(t, s.take(now))
	require.True(t, s.isLoaded())
	for range defaultMaxStarts - 1 {
		s.giveBack()
	}
	require.True(t, s.take(now), "the second of two")
	for range stillLoad {
		require.False(t, s.take(now))
	}
	now = now.Add(loadWindow + 1)
	require.False(t, s.take(now), "many found none in the last window")
	now = now.Add(loadWindow + 1)
	require.True(t, s.take(now), "only one did")
	require.False(t, s.isLoaded())
}
