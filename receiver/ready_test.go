package receiver

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/delivery"
)

func TestReady(t *testing.T) {
	ok := func(context.Context) error { return nil }
	failing := func(context.Context) error { return errors.New("dial postgres://inorder:hunter2@10.1.2.3: refused") }
	for name, tc := range map[string]struct {
		checks map[string]Check
		status int
		body   string
	}{
		"nothing to look at": {nil, 200, `{"ready":true,"dependencies":{}}`},
		"all answer": {
			map[string]Check{"temporal": {Run: ok, Required: true}, "postgresql": {Run: ok, Required: false}}, 200,
			`{"ready":true,"dependencies":{"temporal":{"state":"ok","required":true},"postgresql":{"state":"ok","required":false}}}`,
		},
		"one that can be missed fails": {
			map[string]Check{"temporal": {Run: ok, Required: true}, "postgresql": {Run: failing, Required: false}}, 200,
			`{"ready":true,"dependencies":{"temporal":{"state":"ok","required":true},"postgresql":{"state":"failing","required":false}}}`,
		},
		"one that is needed fails": {
			map[string]Check{"temporal": {Run: failing, Required: true}, "postgresql": {Run: ok, Required: false}}, 503,
			`{"ready":false,"dependencies":{"temporal":{"state":"failing","required":true},"postgresql":{"state":"ok","required":false}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newTest(t, &fakeStarter{}, func(o *Options) { o.Checks = tc.checks })
			res, body := send(t, r, httptest.NewRequest("GET", delivery.ReadyPath, nil))
			require.Equal(t, tc.status, res.StatusCode)
			require.JSONEq(t, tc.body, body)
			require.Equal(t, "application/json", res.Header.Get("Content-Type"))
		})
	}
}

func TestChecksRunAtOnce(t *testing.T) {
	// Each returns only when the other runs.
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
	r, _ := newTest(t, &fakeStarter{}, func(o *Options) {
		o.Checks = map[string]Check{"a": {Run: meet(first, second), Required: true}, "b": {Run: meet(second, first), Required: true}}
	})
	require.True(t, r.look(10*time.Second).Ready)
}

func TestCheckThatIgnoresItsTimeoutFails(t *testing.T) {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	r, logs := newTest(t, &fakeStarter{}, func(o *Options) {
		o.Checks = map[string]Check{"temporal": {Run: func(context.Context) error { <-release; return nil }, Required: true}}
	})
	readiness := r.look(time.Millisecond)
	require.False(t, readiness.Ready)
	require.Equal(t, StateFailing, readiness.Dependencies["temporal"].State)
	require.Contains(t, logs.String(), `"dependency":"temporal"`)
}
