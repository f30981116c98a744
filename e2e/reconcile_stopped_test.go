package e2e

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
)

func TestAReconciliationThatCannotGoOnEndsAndSaysSo(t *testing.T) {
	p := newStorefront(t, standin.Options{RetryDelays: []time.Duration{}})
	var refuses atomic.Bool
	refuses.Store(true)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuses.Load() && r.URL.Query().Has("starting_after") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		p.platform.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	p.env = append(p.env, "HEADLESS_COMMERCE_API_URL="+front.URL+"/v1")
	_, err := p.platform.Place(standin.Placement{Count: 150, Actions: []string{"pay"}})
	require.NoError(t, err)
	require.NoError(t, p.platform.WaitIdle(t.Context())) // all deliveries were given up: nobody listens yet
	p.serve()

	const why = "not all orders were compared: the orders created since "
	preview, code := p.run("orders", "reconcile", "--preview")
	require.Equal(t, 1, code)
	require.Contains(t, preview, "100 compared: 100 missing")
	require.Contains(t, preview, why)
	out, code := p.run("orders", "reconcile")
	require.Equal(t, 1, code)
	require.Contains(t, out, "100 compared, 100 repaired: 100 missing")
	require.Contains(t, out, why)
	require.Contains(t, out, "400 Bad Request")

	refuses.Store(false)
	require.Contains(t, p.reconcile(), "150 compared, 50 repaired: 50 missing", "the next one starts over")
	require.Equal(t, p.theirs(), p.ours())
}

func TestASecondModeIsRefused(t *testing.T) {
	s := newShop(t)
	first := registered(t, s.do(0, "hooks", "register", "https://shop.example.com"))
	s.env = append(s.env, "HEADLESS_COMMERCE_API_KEY=sk_live_e2ehushhush")
	for _, command := range [][]string{
		{"hooks", "register", "https://live.example.com"},
		{"listen", "--public-url", "http://127.0.0.1:3003", "--addr", "127.0.0.1:0"},
	} {
		out := s.do(1, command...)
		require.Contains(t, out, "webhook "+first+" of test mode is recorded in this database (https://shop.example.com/webhooks/hc)")
		require.Contains(t, out, "DATABASE_URL")
	}
	require.Equal(t, 1, s.platform.Stats().Webhooks)
}
