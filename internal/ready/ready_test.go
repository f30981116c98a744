package ready

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/loglimit"
)

// newTest returns a prober that runs the checks again for each call.
func newTest(timeout time.Duration, checks ...Check) *Prober {
	p := New(checks, loglimit.New(slog.New(slog.DiscardHandler), loglimit.Every))
	p.timeout, p.fresh = timeout, 0
	return p
}

func ask(p *Prober) Readiness {
	r, _ := p.Ask(nil)
	return r
}

func TestReady(t *testing.T) {
	ok := func(context.Context) error { return nil }
	failing := func(context.Context) error { return errors.New("dial postgres://inorder:hunter2@10.1.2.3: refused") }
	for name, tc := range map[string]struct {
		checks []Check
		ready  bool
		body   string
	}{
		"nothing to check": {nil, true, `{"ready":true,"dependencies":{}}`},
		"all answer": {
			[]Check{{Name: "temporal", Run: ok, Required: true}, {Name: "postgres", Run: ok, Required: true}}, true,
			`{"ready":true,"dependencies":{"temporal":{"state":"ok","required":true},"postgres":{"state":"ok","required":true}}}`,
		},
		"one fails": {
			[]Check{{Name: "temporal", Run: ok, Required: true}, {Name: "postgres", Run: failing, Required: true}}, false,
			`{"ready":false,"dependencies":{"temporal":{"state":"ok","required":true},"postgres":{"state":"failing","required":true}}}`,
		},
		"one that can be missed fails": {
			[]Check{{Name: "temporal", Run: ok, Required: true}, {Name: "postgres", Run: failing}}, true,
			`{"ready":true,"dependencies":{"temporal":{"state":"ok","required":true},"postgres":{"state":"failing","required":false}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := ask(newTest(time.Minute, tc.checks...))
			require.Equal(t, tc.ready, r.Ready)
			body, err := json.Marshal(r)
			require.NoError(t, err)
			require.JSONEq(t, tc.body, string(body))
		})
	}
}

func TestChecksRunAtOnce(t *testing.T) {
	// Each check returns only once the other one runs.
	first, second := make(chan struct{}), make(chan struct{})
	meet := func(mine, other chan struct{}) func(context.Context) error {
		return func(ctx context.Context) error {
			close(mine)
			select {
			case <-other:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	p := newTest(time.Minute, Check{Name: "a", Run: meet(first, second), Required: true}, Check{Name: "b", Run: meet(second, first), Required: true})
	require.True(t, ask(p).Ready)
}

func TestACheckThatHangsIsNotBegunAgain(t *testing.T) {
	release, begun := make(chan struct{}), atomic.Int32{}
	p := newTest(50*time.Millisecond, Check{Name: "postgres", Run: func(context.Context) error { begun.Add(1); <-release; return nil }, Required: true})
	for range 3 {
		began := time.Now()
		r := ask(p)
		require.False(t, r.Ready)
		require.Equal(t, StateFailing, r.Dependencies["postgres"].State)
		require.Less(t, time.Since(began), time.Minute)
	}
	require.Eventually(t, func() bool { return begun.Load() > 0 }, 2*time.Minute, time.Millisecond)
	require.EqualValues(t, 1, begun.Load())
	close(release)
	require.Eventually(t, func() bool { return ask(p).Ready }, 2*time.Minute, 10*time.Millisecond, "and then it may")
}

func TestWhatACheckSaysAfterItsTimeoutIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := atomic.Bool{}
		slow.Store(true)
		p := newTest(time.Second, Check{Name: "postgres", Run: func(context.Context) error {
			if slow.Load() {
				time.Sleep(2 * time.Second)
				return errors.New("away")
			}
			return nil
		}, Required: true})
		require.False(t, ask(p).Ready)
		time.Sleep(time.Minute)
		slow.Store(false)
		require.True(t, ask(p).Ready)
	})
}

func TestThoseWhoAskAtOnceShareOnePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, polls := make(chan struct{}), atomic.Int32{}
		p := newTest(time.Hour, Check{Name: "postgres", Run: func(context.Context) error { polls.Add(1); <-release; return nil }, Required: true})
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { require.True(t, ask(p).Ready) })
		}
		synctest.Wait() // until all of them wait for an answer
		close(release)
		all.Wait()
		require.Equal(t, int32(1), polls.Load())
	})
}

func TestAPollIsSharedForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var polls atomic.Int32
		p := newTest(time.Minute, Check{Name: "temporal", Run: func(context.Context) error {
			polls.Add(1)
			time.Sleep(10 * time.Millisecond)
			return nil
		}})
		p.fresh = time.Second
		for range 100 {
			require.True(t, ask(p).Ready)
		}
		require.Equal(t, int32(1), polls.Load())
		time.Sleep(p.fresh)
		require.True(t, ask(p).Ready)
		require.Equal(t, int32(2), polls.Load())
	})
}

func TestWhoIsGoneDoesNotWait(t *testing.T) {
	p := newTest(time.Minute, Check{Name: "postgres", Run: func(ctx context.Context) error { <-t.Context().Done(); return nil }})
	gone := make(chan struct{})
	close(gone)
	_, ok := p.Ask(gone)
	require.False(t, ok)
}

func TestAStateIsLoggedOnce(t *testing.T) {
	var logs bytes.Buffer
	var cause error
	log := loglimit.New(slog.New(slog.NewTextHandler(&logs, nil)), time.Hour)
	p := New([]Check{{Name: "postgres", Server: "PostgreSQL at 127.0.0.1:5432", Run: func(context.Context) error { return cause }, Required: true}}, log)
	p.timeout, p.fresh = time.Minute, 0
	ask(p)
	require.Empty(t, logs.String())
	cause = errors.New("failed:\n\t127.0.0.1: refused\n\t127.0.0.1: refused\n")
	ask(p)
	ask(p)
	cause = nil
	ask(p)
	ask(p)
	require.Equal(t, 2, strings.Count(logs.String(), "\n"))
	require.Contains(t, logs.String(), "dependency=postgres")
	require.Contains(t, logs.String(), `cause="PostgreSQL at 127.0.0.1:5432 failed: failed: 127.0.0.1: refused"`)
	require.Contains(t, logs.String(), "answers again")
}
