package admin

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

var quiet = slog.New(slog.DiscardHandler)

func get(t *testing.T, url string) (int, string) {
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestServesMetricsAndHealthUntilItIsStopped(t *testing.T) {
	s, err := Listen("127.0.0.1:0", nil, prometheus.NewRegistry(), quiet)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()

	url := "http://" + s.listener.Addr().String()
	status, body := get(t, url+MetricsPath)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "go_goroutines ")
	status, body = get(t, url+HealthPath)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "alive", body)
	status, body = get(t, url+ReadyPath)
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"ready":true,"dependencies":{}}`, body)
	status, _ = get(t, url+"/")
	require.Equal(t, http.StatusNotFound, status)

	stop()
	require.NoError(t, <-done)
	again, err := Listen(s.listener.Addr().String(), nil, prometheus.NewRegistry(), quiet)
	require.NoError(t, err, "the address is free again")
	require.NoError(t, again.Serve(ctx), "stopped before it began")
}

func TestTakenPortNamesTheSetting(t *testing.T) {
	s, err := Listen("127.0.0.1:0", nil, prometheus.NewRegistry(), quiet)
	require.NoError(t, err)
	defer s.listener.Close()
	_, err = Listen(s.listener.Addr().String(), nil, prometheus.NewRegistry(), quiet)
	require.ErrorContains(t, err, "set ADMIN_ADDR")
	_, err = Listen("192.0.2.1:0", nil, prometheus.NewRegistry(), quiet)
	require.ErrorContains(t, err, "ADMIN_ADDR")
}
