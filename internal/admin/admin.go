// Package admin serves operators: the admin API with its OpenAPI document, and the metrics, liveness and readiness of the process. What a
// request does is defined by the packages that it calls: internal/inspect, internal/operate and internal/bulk.
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

	"inorder/internal/api"
	"inorder/internal/ready"
)

// MetricsPath serves the metrics in Prometheus' text format. It needs no token: metrics hold nothing secret or personal,
// and the default address is loopback.
const MetricsPath = "/metrics"

const (
	readTimeout = 10 * time.Second
	// writeTimeout is longer than the longest request, including claiming its key before and storing its answer after.
	writeTimeout    = bulkTimeout + 2*keyTimeout + 3*time.Second
	shutdownTimeout = 2 * time.Second // a scrape takes milliseconds; a POST that is cut off can be sent again
)

// Options configure a Server.
type Options struct {
	Addr    string               // the setting ADMIN_ADDR
	Prober  *ready.Prober        // answers ready.Path
	Metrics *prometheus.Registry // served beside those of the process and Go's runtime, which are in Prometheus' default registry
	API     *API
	Log     *slog.Logger
}

// Server listens at ADMIN_ADDR. It answers nothing before Serve.
type Server struct {
	Options
	listener net.Listener
}

// Listen listens on the address.
func Listen(o Options) (*Server, error) {
	l, err := net.Listen("tcp", o.Addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen on ADMIN_ADDR: %w; another inorder on this machine may be using it: set ADMIN_ADDR to a different address "+
			"for each, for example 127.0.0.1:3002", err)
	case err != nil:
		return nil, fmt.Errorf("listen on ADMIN_ADDR: %w", err)
	}
	return &Server{o, l}, nil
}

// Serve serves until ctx ends, then waits up to shutdownTimeout for the requests under way. It closes the listener.
func (s *Server) Serve(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.Handle("/api/", s.API)
	for _, open := range []string{api.OpenAPIPath, api.DocsPath, api.DocsPath + "/"} {
		mux.Handle("GET "+open, s.API)
	}
	all := prometheus.Gatherers{s.Metrics, prometheus.DefaultGatherer}
	mux.Handle("GET "+MetricsPath, promhttp.InstrumentMetricHandler(s.Metrics, promhttp.HandlerFor(all, promhttp.HandlerOpts{})))
	mux.HandleFunc("GET "+ready.HealthPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "alive") })
	mux.HandleFunc("GET "+ready.Path, s.ready)
	server := &http.Server{
		Handler:      mux,
		ReadTimeout:  readTimeout,
		WriteTimeout: writeTimeout,
		IdleTimeout:  time.Minute,
		ErrorLog:     slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug), // a client's mistakes
	}
	base := "http://" + s.listener.Addr().String()
	s.Log.Info("the admin API and the metrics are served", "url", base, "docs", base+api.DocsPath, "metrics", base+MetricsPath)

	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		stopped <- server.Shutdown(deadline)
	})
	if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serve the admin API: %w", err)
	}
	if err := <-stopped; err != nil { // a request that hangs is no reason to fail
		_ = server.Close()
	}
	return nil
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	readiness, ok := s.Prober.Ask(r.Context().Done())
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
