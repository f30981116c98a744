package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

var errTimedOut = &pgconn.PgError{Code: lockNotAvailable}

// crowd is events of one order at a gate, in a bubble of fake time.
type crowd struct {
	*testing.T
	gate      gate
	inside    atomic.Int32 // at the database now
	most      atomic.Int32
	ran, busy atomic.Int32
}

// come sends n events to the order, each of which is at the database for so long and ends with err.
func (c *crowd) come(n int, order string, takes time.Duration, err error) {
	for range n {
		go func() {
			c.note(c.gate.pass(context.Background(), order, func() error { return c.work(takes, err) }), err)
		}()
	}
	synctest.Wait()
}

func (c *crowd) work(takes time.Duration, err error) error {
	inside := c.inside.Add(1)
	defer c.inside.Add(-1)
	for { // the others come at the same time
		if most := c.most.Load(); inside <= most || c.most.CompareAndSwap(most, inside) {
			break
		}
	}
	time.Sleep(takes)
	c.ran.Add(1)
	return err
}

func (c *crowd) note(got, want error) {
	if busy := (*BusyError)(nil); errors.As(got, &busy) {
		c.busy.Add(1)
	} else {
		require.Equal(c, want, got)
	}
}

// after lets so much time pass, and checks how many events were at the database and how many were refused since the last check.
func (c *crowd) after(d time.Duration, ran, busy int) {
	c.Helper()
	time.Sleep(d)
	synctest.Wait()
	require.Equal(c, fmt.Sprintf("ran %d, busy %d", ran, busy), fmt.Sprintf("ran %d, busy %d", c.ran.Swap(0), c.busy.Swap(0)))
}

func bubble(t *testing.T, name string, f func(c *crowd)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(&crowd{T: t}) })
	})
}

func TestGate(t *testing.T) {
	bubble(t, "two are at the database, the others wait, and all get through", func(c *crowd) {
		c.come(64, "hot", 10*time.Millisecond, nil)
		require.Equal(c, int32(2), c.inside.Load())
		c.after(320*time.Millisecond, 64, 0)
		require.Equal(c, int32(2), c.most.Load())
		require.Empty(c, c.gate.lines, "the order is forgotten")
	})
	bubble(t, "beyond sixty-four they are refused at once", func(c *crowd) {
		c.come(70, "hot", 10*time.Millisecond, nil)
		c.after(0, 0, 6)
		c.after(time.Second, 64, 0)
	})
	bubble(t, "who waited for a second is refused, and another may come", func(c *crowd) {
		c.come(4, "hot", 3*time.Second, nil)
		c.after(waitHere, 0, 2)
		c.come(1, "hot", 0, nil)
		c.after(waitHere, 0, 1)
		c.after(time.Second, 2, 0)
		c.come(1, "hot", 0, nil)
		c.after(0, 1, 0)
	})
	bubble(t, "other orders do not wait", func(c *crowd) {
		c.come(64, "hot", time.Minute, nil)
		c.come(1, "other", 0, nil)
		require.Equal(c, int32(1), c.ran.Load())
		c.after(time.Minute, 3, 62)
	})
	bubble(t, "an error that is no time-out says nothing of the lock", func(c *crowd) {
		c.come(5, "hot", 10*time.Millisecond, errors.New("connection lost"))
		c.after(time.Second, 5, 0)
		require.Empty(c, c.gate.lines)
	})
}

func TestGateForgetsWhoLeaves(t *testing.T) {
	bubble(t, "a canceled one leaves, and takes nobody's place", func(c *crowd) {
		c.come(2, "hot", 500*time.Millisecond, nil)
		ctx, cancel := context.WithCancel(c.Context())
		left := make(chan error, 1)
		go func() { left <- c.gate.pass(ctx, "hot", func() error { return nil }) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(c, <-left, context.Canceled)
		c.after(time.Second, 2, 0)
		require.Empty(c, c.gate.lines)
	})
	bubble(t, "a panic leaves no place taken", func(c *crowd) {
		for range 100 {
			require.Panics(c, func() { _ = c.gate.pass(c.Context(), "hot", func() error { panic("?") }) })
		}
		require.Empty(c, c.gate.lines)
	})
}

func TestGateOfALockedOrder(t *testing.T) {
	const timeout = 300 * time.Millisecond
	locked := func(c *crowd) {
		c.come(60, "hot", timeout, errTimedOut)
		c.after(timeout, 2, 60)
	}
	bubble(t, "when it becomes known, who waits is refused without a try", func(c *crowd) {
		locked(c)
		require.Equal(c, int32(2), c.most.Load())
	})
	bubble(t, "then one in a second tries it", func(c *crowd) {
		locked(c)
		c.come(50, "hot", timeout, errTimedOut)
		c.after(lockedPause-1, 0, 50)
		for range 5 {
			c.after(1, 0, 0)
			c.most.Store(0)
			c.come(50, "hot", timeout, errTimedOut)
			c.after(timeout, 1, 50)
			require.Equal(c, int32(1), c.most.Load())
			c.after(lockedPause-1, 0, 0)
		}
	})
	bubble(t, "when one got it, all may come", func(c *crowd) {
		locked(c)
		c.after(lockedPause, 0, 0)
		c.come(1, "hot", 0, nil)
		c.come(60, "hot", time.Millisecond, nil)
		c.after(time.Second, 61, 0)
		require.Empty(c, c.gate.lines)
	})
	bubble(t, "one whose try ended otherwise tells nothing, and the next may try", func(c *crowd) {
		locked(c)
		c.after(lockedPause, 0, 0)
		c.come(1, "hot", 0, errors.New("connection lost"))
		c.come(1, "hot", 0, nil)
		c.after(lockedPause, 1, 1)
		c.come(1, "hot", 0, nil)
		c.after(0, 1, 0)
	})
	bubble(t, "many that nobody asks for any more are forgotten", func(c *crowd) {
		for n := range 2000 {
			c.come(1, fmt.Sprint(n), 0, errTimedOut)
		}
		c.after(2*lockedPause, 2000, 2000)
		c.come(1, "other", 0, nil)
		require.Empty(c, c.gate.lines)
	})
}

func TestTheRefusedComeBackOneAfterTheOther(t *testing.T) {
	refusal := func(c *crowd) *BusyError {
		busy := (*BusyError)(nil)
		require.ErrorAs(c, c.gate.pass(c.Context(), "hot", func() error { return errTimedOut }), &busy)
		return busy
	}
	bubble(t, "of a locked order, at most a minute later", func(c *crowd) {
		busy := refusal(c)
		require.True(c, isLockTimeout(busy), "the cause is told")
		for n := range 1200 {
			require.Equal(c, time.Duration(n+1)*backLocked, busy.ComeBack())
		}
		require.Equal(c, longestBack, refusal(c).ComeBack())
		time.Sleep(longestBack)
		require.Equal(c, backLocked, refusal(c).ComeBack())
	})
	bubble(t, "of a busy one, as fast as they can be applied", func(c *crowd) {
		c.come(64, "hot", 600*time.Millisecond, nil)
		require.Equal(c, backBusy, refusal(c).ComeBack())
		require.Equal(c, 2*backBusy, refusal(c).ComeBack())
		c.after(time.Minute, 4, 60)
	})
	require.Zero(t, (&BusyError{}).ComeBack(), "an event without an order")
}
