// Package admin serves operators: the metrics of the process, its liveness and its readiness.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"inorder/internal/ready"
)

// MetricsPath has the metrics, in Prometheus' text format. It asks for no token: they say nothing that is secret or
// personal, and the default address is loopback.
const MetricsPath = "/metrics"

// A scrape takes milliseconds.
const (
	requestTimeout  = 10 * time.Second
	shutdownTimeout = 2 * time.Second
)

// Server listens at ADMIN_ADDR. It answers nothing before Serve.
type Server struct {
	listener net.Listener
	prober   *ready.Prober
	metrics  *prometheus.Registry
	log      *slog.Logger
}

// Listen listens on addr, the setting ADMIN_ADDR. The prober answers ready.Path. MetricsPath has those of the registry, and those of
// the process and Go's runtime, which are in Prometheus' default registry.
func Listen(addr string, prober *ready.Prober, metrics *prometheus.Registry, log *slog.Logger) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen on ADMIN_ADDR: %w; another inorder on this machine may have it: set ADMIN_ADDR to an address of its own "+
			"for each, for example 127.0.0.1:3002", err)
	case err != nil:
		return nil, fmt.Errorf("listen on ADMIN_ADDR: %w", err)
	}
	return &Server{l, prober, metrics, log}, nil
}

// Serve serves until ctx ends, and returns when the requests under way have their answer. It closes the listener.
func (s *Server) Serve(ctx context.Context) error {
	mux := http.NewServeMux()
	all := prometheus.Gatherers{s.metrics, prometheus.DefaultGatherer}
	mux.Handle("GET "+MetricsPath, promhttp.InstrumentMetricHandler(s.metrics, promhttp.HandlerFor(all, promhttp.HandlerOpts{})))
	mux.HandleFunc("GET "+ready.HealthPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "alive") })
	mux.HandleFunc("GET "+ready.Path, s.ready)
	server := &http.Server{
		Handler:      mux,
		ReadTimeout:  requestTimeout,
		WriteTimeout: requestTimeout,
		IdleTimeout:  time.Minute,
		ErrorLog:     slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // a client's mistakes
	}
	s.log.Info("metrics are served", "url", "http://"+s.listener.Addr().String()+MetricsPath)

	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		stopped <- server.Shutdown(deadline)
	})
	if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serve metrics: %w", err)
	}
	if err := <-stopped; err != nil { // a scrape that hangs is no reason to fail
		_ = server.Close()
	}
	return nil
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	readiness, ok := s.prober.Ask(r.Context().Done())
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !readiness.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(readiness)
}
