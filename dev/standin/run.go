package standin

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// DefaultAddr is the address on which Run listens by default.
const DefaultAddr = "127.0.0.1:3002"

// RunOptions are the settings of Run.
type RunOptions struct {
	Options
	Addr  string           // default DefaultAddr; port 0 takes a free one
	Ready func(url string) // called with http://host:port once Run listens; the Admin API is at url + "/v1"
}

// Run serves a stand-in until ctx is done, and then returns nil.
func Run(ctx context.Context, o RunOptions) error {
	s := New(o.Options)
	defer s.Close()
	if err := s.SetFaults(o.Faults); err != nil {
		return fmt.Errorf("stand-in: %w", err)
	}
	addr := cmp.Or(o.Addr, DefaultAddr)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("stand-in: cannot listen on %s; stop what uses it or choose another address: %w", addr, err)
	}
	if o.Ready != nil {
		o.Ready("http://" + l.Addr().String())
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	defer server.Close()
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("stand-in: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = server.Shutdown(grace) // requests still running after that are cut off
	return nil
}
