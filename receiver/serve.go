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

// Serve serves on l until ctx ends. Then it takes the connections that have come already, stops accepting, closes the
// connections on which no request is under way, and returns when every accepted request has its answer. It returns
// an error if that takes longer than ShutdownTimeout. It closes l. Call it only once.
func (r *Receiver) Serve(ctx context.Context, l net.Listener) error {
	defer r.log.Flush()
	tracked := newListener(l, r.maxConnections(), r.log)
	served := make(chan error, 1)
	go func() { served <- r.app.Listener(tracked) }()
	r.o.Log.Info("receiver listens", "address", l.Addr().String())

	select {
	case err := <-served:
		return fmt.Errorf("serve deliveries: the listener was closed (%v)", err)
	case <-ctx.Done():
	}
	// The server's own shutdown would drop requests that have just come on connections that it considers idle.
	deadline, cancel := context.WithTimeout(context.Background(), r.o.ShutdownTimeout)
	defer cancel()
	tracked.stop()
	err := <-served
	if late := tracked.wait(deadline); late != nil {
		return fmt.Errorf("stop the receiver: requests were still under way after %s: %w", r.o.ShutdownTimeout, late)
	}
	return err
}

// spareFiles is how many files the process needs beside the receiver's connections: its own connections to Temporal and PostgreSQL,
// those that scrape metrics, logs, and connections that are just being accepted or closed.
const spareFiles = 128

// maxConnections returns MaxConnections, or less if the process may not open that many files.
func (r *Receiver) maxConnections() int {
	files := fileLimit()
	if files >= r.o.MaxConnections+spareFiles {
		return r.o.MaxConnections
	}
	most := max(files-spareFiles, files/2)
	r.o.Log.Warn("the limit of open files allows fewer connections than MAX_CONNECTIONS; raise it (ulimit -n)",
		"max_connections", r.o.MaxConnections, "limit_of_open_files", files, "connections", most)
	return most
}
