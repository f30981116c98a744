package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"inorder/internal/loglimit"
	"inorder/internal/ready"
)

var (
	quiet  = slog.New(slog.DiscardHandler)
	always = ready.New(nil, loglimit.New(quiet, loglimit.Every))
)

func options(addr string) Options {
	return Options{Addr: addr, Prober: always, Metrics: prometheus.NewRegistry(), API: &API{}, Log: quiet}
}

func get(t *testing.T, url string) (int, string) {
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestServesMetricsAndHealthUntilItIsStopped(t *testing.T) {
	s, err := Listen(options("127.0.0.1:0"))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()

	url := "http://" + s.listener.Addr().String()
	status, body := get(t, url+MetricsPath)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "go_goroutines ")
	status, body = get(t, url+ready.HealthPath)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "alive", body)
	status, body = get(t, url+ready.Path)
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"ready":true,"dependencies":{}}`, body)
	status, _ = get(t, url+"/")
	require.Equal(t, http.StatusNotFound, status)

	stop()
	require.NoError(t, <-done)
	again, err := Listen(options(s.listener.Addr().String()))
	require.NoError(t, err, "the address is free again")
	require.NoError(t, again.Serve(ctx), "stopped before it began")
}

func TestTakenPortNamesTheSetting(t *testing.T) {
	s, err := Listen(options("127.0.0.1:0"))
	require.NoError(t, err)
	defer s.listener.Close()
	_, err = Listen(options(s.listener.Addr().String()))
	require.ErrorContains(t, err, "set ADMIN_ADDR")
	_, err = Listen(options("192.0.2.1:0"))
	require.ErrorContains(t, err, "ADMIN_ADDR")
}

func TestReady(t *testing.T) {
	for cause, want := range map[error]struct {
		status int
		body   string
	}{
		nil:                         {200, `{"ready":true,"dependencies":{"postgres":{"state":"ok","required":true}}}`},
		errors.New("dial: refused"): {503, `{"ready":false,"dependencies":{"postgres":{"state":"failing","required":true}}}`},
	} {
		check := ready.Check{Name: "postgres", Required: true, Run: func(context.Context) error { return cause }}
		s := &Server{Options: Options{Prober: ready.New([]ready.Check{check}, loglimit.New(quiet, loglimit.Every))}}
		answer := httptest.NewRecorder()
		s.ready(answer, httptest.NewRequest("GET", ready.Path, nil))
		require.Equal(t, want.status, answer.Code)
		require.JSONEq(t, want.body, answer.Body.String())
		require.Equal(t, "application/json", answer.Header().Get("Content-Type"))
	}
}
