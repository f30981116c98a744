package receiver

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/loglimit"
	"inorder/internal/ready"
)

// checked makes the receiver's readiness depend on the checks.
func checked(o *Options, checks ...ready.Check) {
	o.Ready = ready.New(checks, loglimit.New(o.Log, time.Hour))
}

func TestReady(t *testing.T) {
	ok := func(context.Context) error { return nil }
	failing := func(context.Context) error { return errors.New("dial postgres://inorder:hunter2@10.1.2.3: refused") }
	for name, tc := range map[string]struct {
		checks []ready.Check
		status int
		body   string
	}{
		"nothing to check": {nil, 200, `{"ready":true,"dependencies":{}}`},
		"all answer": {
			[]ready.Check{{Name: "temporal", Run: ok, Required: true}, {Name: "postgresql", Run: ok}}, 200,
			`{"ready":true,"dependencies":{"temporal":{"state":"ok","required":true},"postgresql":{"state":"ok","required":false}}}`,
		},
		"one that can be missed fails": {
			[]ready.Check{{Name: "temporal", Run: ok, Required: true}, {Name: "postgresql", Run: failing}}, 200,
			`{"ready":true,"dependencies":{"temporal":{"state":"ok","required":true},"postgresql":{"state":"failing","required":false}}}`,
		},
		"one that is needed fails": {
			[]ready.Check{{Name: "temporal", Run: failing, Required: true}, {Name: "postgresql", Run: ok}}, 503,
			`{"ready":false,"dependencies":{"temporal":{"state":"failing","required":true},"postgresql":{"state":"ok","required":false}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newTest(t, &fakeStarter{}, func(o *Options) { checked(o, tc.checks...) })
			res, body := send(t, r, httptest.NewRequest("GET", ready.Path, nil))
			require.Equal(t, tc.status, res.StatusCode)
			require.JSONEq(t, tc.body, body)
			require.Equal(t, "application/json", res.Header.Get("Content-Type"))
		})
	}
}
