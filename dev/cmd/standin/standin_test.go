package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/dev/testenv"
)

func program(ctx context.Context, args ...string) (out, errs string, code int) {
	var o, e testenv.Output
	code = run(ctx, args, &o, &e)
	return o.String(), e.String(), code
}

// must runs a command that must succeed, and returns its output.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := program(t.Context(), args...)
	require.Zero(t, code, errs)
	require.Empty(t, errs)
	return out
}

// fails runs a command that must fail with the exit code, and returns its error output.
func fails(t *testing.T, code int, args ...string) string {
	t.Helper()
	_, errs, got := program(t.Context(), args...)
	require.Equal(t, code, got, errs)
	return errs
}

// start starts a stand-in, and sets STANDIN_URL to it.
func start(t *testing.T, o standin.Options) *standin.Server {
	s, api := testenv.StandIn(t, o)
	t.Setenv("STANDIN_URL", strings.TrimSuffix(api, "/v1"))
	return s
}

func subscribe(t *testing.T, s *standin.Server) string {
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(endpoint.Close)
	r := httptest.NewRequest("POST", "/v1/admin/webhooks", strings.NewReader(`{"url":"`+endpoint.URL+`","events":["*"]}`))
	r.Header.Set("Authorization", "Bearer "+standin.DefaultKey)
	s.ServeHTTP(httptest.NewRecorder(), r)
	return s.Webhooks()[0].ID
}

func TestPlaceAndDo(t *testing.T) {
	s := start(t, standin.Options{Run: "r"})
	require.Contains(t, must(t, "orders"), "No orders yet")
	require.Contains(t, fails(t, exitError, "do", "last", "pay"), "standin place")

	out := must(t, "place", "--do", "pay,ship")
	require.Regexp(t, `(?m)^ORDER +STATUS +PAYMENT`, out)
	require.Regexp(t, `(?m)^ord_r_1001 +confirmed +paid +fulfilled +\d+ KRW`, out)
	require.Contains(t, out, "Nothing is delivered")

	subscribe(t, s)
	out = must(t, "place", "--count", "25")
	require.Equal(t, 20, strings.Count(out, "\nord_r_"))
	require.Contains(t, out, "and 5 more")
	require.Contains(t, out, "get the events they subscribed to: 1")

	require.Regexp(t, `ord_r_1026 +cancelled +paid`, must(t, "do", "last", "pay", "cancel"))
	require.Regexp(t, `ord_r_1001 +completed`, must(t, "do", "ord_r_1001", "complete"))
	require.Contains(t, fails(t, exitError, "do", "ord_r_1002", "pay", "pay"), "Cannot pay an order that is confirmed, paid, unfulfilled (done before: pay)")
	require.Contains(t, fails(t, exitError, "do", "ord_none", "pay"), "Order not found: ord_none")

	out = must(t, "orders")
	require.NotContains(t, out, "ord_r_1001")
	require.Contains(t, out, "6 older ones are not shown")
	require.Equal(t, 26, strings.Count(must(t, "orders", "--limit", "0"), "\nord_r_"))
}

func TestWebhooksAndDeactivate(t *testing.T) {
	s := start(t, standin.Options{})
	require.Contains(t, must(t, "webhooks"), "inorder hooks register")
	id := subscribe(t, s)
	require.Regexp(t, id+` +test +yes +http://127\S+ +\*`, must(t, "webhooks"))
	require.Contains(t, must(t, "deactivate", id), id+" is inactive")
	require.Regexp(t, id+` +test +no`, must(t, "webhooks"))
	require.Contains(t, fails(t, exitError, "deactivate", "wh_none"), "Webhook not found: wh_none")
}

func TestFaults(t *testing.T) {
	s := start(t, standin.Options{})
	require.Equal(t, "No faults are set.\n", must(t, "faults"))
	must(t, "faults", "set", "drop=0.05", "429=next:3")
	require.Equal(t, "drop=0.05\nduplicate=0.1\nrate_limit=next:3\n", must(t, "faults", "set", "duplicate=10%"), "the faults that were already set stay")
	require.Equal(t, 0.05, s.Faults().Drop.Share)
	require.Equal(t, "No faults are set.\n", must(t, "faults", "clear"))
	require.Equal(t, standin.Faults{}, s.Faults())
}

func TestDeliveries(t *testing.T) {
	s := start(t, standin.Options{Run: "r", Parallel: 1})
	require.Contains(t, must(t, "deliveries"), "standin place")
	subscribe(t, s)
	require.NoError(t, s.SetFaults(standin.Faults{Drop: standin.Fault{Next: 1}}))
	must(t, "place", "--do", "pay")
	require.NoError(t, s.WaitIdle(t.Context()))
	out := must(t, "deliveries")
	require.Regexp(t, `order.created +ord_r_1001 +evt_r_\d+ +try 0  dropped \(fault: drop\)`, out)
	require.Regexp(t, `order.paid +ord_r_1001 +evt_r_\d+ +try 1  delivered, answered 200 in`, out)
	require.Contains(t, out, "5 events, 5 deliveries: 4 delivered, 1 dropped, 0 given up, 0 under way")
	require.Equal(t, 2, strings.Count(must(t, "deliveries", "--limit", "2"), " try "))

	ctx, stop := context.WithCancel(t.Context())
	var following testenv.Output
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"deliveries", "--follow"}, &following, &following) }()
	shown := func(n int) func() bool { return func() bool { return strings.Count(following.String(), " try ") == n } }
	require.Eventually(t, shown(5), testenv.Patience, 10*time.Millisecond)
	must(t, "do", "last", "complete")
	require.Eventually(t, shown(6), testenv.Patience, 10*time.Millisecond)
	stop()
	require.Equal(t, exitOK, <-ended)
}

func TestServe(t *testing.T) {
	t.Setenv("STANDIN_URL", "")
	ctx, stop := context.WithCancel(t.Context())
	var out testenv.Output
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"serve", "--addr", "127.0.0.1:0", "--fault", "drop=next:2", "--run", "x"}, &out, &out)
	}()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "/v1") }, testenv.Patience, 10*time.Millisecond)
	url := strings.Fields(out.String())[4]
	url = strings.TrimSuffix(url, ".")
	require.Equal(t, "drop=next:2\n", must(t, "faults", "--url", url))
	require.Contains(t, must(t, "place", "--url", url+"/v1/"), "ord_x_1001", "the Admin API's URL will do")
	require.Contains(t, fails(t, exitError, "serve", "--addr", strings.TrimPrefix(url, "http://")), "stop what uses it")
	stop()
	require.Equal(t, exitOK, <-ended, "it was asked to stop")
}

func TestWhatCannotBe(t *testing.T) {
	t.Setenv("STANDIN_URL", "http://127.0.0.1:1")
	require.Contains(t, fails(t, exitError, "orders"), "make run PLATFORM=stand-in")
	require.Contains(t, fails(t, exitError, "orders", "--url", "127.0.0.1:3002"), "must be an http URL")
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	require.Contains(t, fails(t, exitError, "orders", "--url", other.URL), "is it a stand-in?")
	for _, line := range []string{
		"plaec", "place --do eat", "place --count 0", "place --mode other", "do ord_1", "do ord_1 eat", "faults set", "faults set dorp=1", "faults set drop=2",
		"serve --fault drop", "serve --key secret", "serve --retry-delays soon", "deactivate",
	} {
		require.NotEmpty(t, fails(t, exitUsage, strings.Fields(line)...), line)
	}
}

func TestProductionDoesNotLinkTheStandIn(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "inorder/cmd/inorder").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "inorder/internal/platform")
	require.NotContains(t, string(out), "inorder/dev/standin")
}
