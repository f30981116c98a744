package receiver

import (
	"context"
	"fmt"
	"net"
)

// Run listens on addr, the setting LISTEN_ADDR, and serves until ctx ends. See [Receiver.Serve].
func (r *Receiver) Run(ctx context.Context, addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on LISTEN_ADDR: %w", err)
	}
	return r.Serve(ctx, l)
}

// Serve serves on l until ctx ends. Then it stops accepting, closes the connections on which no request is under way,
// and returns when every request that was accepted has its answer; it returns an error if that takes longer than
// ShutdownTimeout. It closes l, and is for one call.
func (r *Receiver) Serve(ctx context.Context, l net.Listener) error {
	tracked := newListener(l, r.o.Log)
	served := make(chan error, 1)
	go func() { served <- r.app.Listener(tracked) }()
	r.o.Log.Info("receiver listens", "address", l.Addr().String())

	select {
	case err := <-served:
		return fmt.Errorf("serve deliveries: the listener was closed (%v)", err)
	case <-ctx.Done():
	}
	<-tracked.accepting // before it accepts, the server takes a shutdown for done and then serves
	deadline, cancel := context.WithTimeout(context.Background(), r.o.ShutdownTimeout)
	defer cancel()
	if err := r.app.ShutdownWithContext(deadline); err != nil {
		tracked.closeAll()
		return fmt.Errorf("stop the receiver: requests were still under way after %s: %w", r.o.ShutdownTimeout, err)
	}
	return <-served
}
