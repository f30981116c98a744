// Package admin serves what is for operators and not for the platform: the metrics of the process, whether it lives, and
// whether it can do its work.
package admin

import (
	"context"
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
)

// The paths. None asks for a token: they say nothing that is secret or personal, and the default address is loopback.
const (
	MetricsPath = "/metrics" // those of Listen's registry and of the default one, in Prometheus' text format
	HealthPath  = "/healthz"
	ReadyPath   = "/readyz" // a Readiness
)

// A scrape takes milliseconds.
const (
	requestTimeout  = 10 * time.Second
	shutdownTimeout = 2 * time.Second
)

// Server is one that listens, and does not answer yet.
type Server struct {
	listener net.Listener
	checks   []Check
	metrics  *prometheus.Registry
	log      *slog.Logger
}

// Listen takes addr, the setting ADMIN_ADDR. The checks are what ReadyPath looks at.
func Listen(addr string, checks []Check, metrics *prometheus.Registry, log *slog.Logger) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen on ADMIN_ADDR: %w; another inorder on this machine may have it: set ADMIN_ADDR to an address of its own "+
			"for each, for example 127.0.0.1:3002", err)
	case err != nil:
		return nil, fmt.Errorf("listen on ADMIN_ADDR: %w", err)
	}
	return &Server{l, checks, metrics, log}, nil
}

// Serve serves until ctx ends, and returns when the requests under way have their answer. It closes the listener.
func (s *Server) Serve(ctx context.Context) error {
	mux := http.NewServeMux()
	all := prometheus.Gatherers{s.metrics, prometheus.DefaultGatherer}
	mux.Handle("GET "+MetricsPath, promhttp.InstrumentMetricHandler(s.metrics, promhttp.HandlerFor(all, promhttp.HandlerOpts{})))
	mux.HandleFunc("GET "+HealthPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "alive") })
	mux.Handle("GET "+ReadyPath, newProber(s.checks, checkTimeout, s.log))
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
