package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"

	"inorder/dev/stack"
)

var discard = slog.New(slog.DiscardHandler)

// servers is our own PostgreSQL and Temporal, whose process IDs we therefore know.
type servers struct{ *stack.Stack }

func startServers(ctx context.Context) (servers, error) {
	s, err := stack.Start(ctx, stack.Options{Fsync: true, Out: os.Stderr})
	return servers{s}, err
}

// newDatabase creates a database, and returns its URL.
func (s servers) newDatabase(ctx context.Context, name string) (string, error) {
	conn, err := pgx.Connect(ctx, s.SuperuserURL)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", err
	}
	u, err := url.Parse(s.SuperuserURL)
	if err != nil {
		return "", err
	}
	u.Path = name
	return u.String(), nil
}

// newNamespace registers a namespace, and returns when it is usable.
func (s servers) newNamespace(ctx context.Context, name string) error {
	c, err := client.NewLazyClient(client.Options{HostPort: s.TemporalAddress, Logger: sdklog.NewStructuredLogger(discard)})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(7 * 24 * time.Hour)}); err != nil {
		return err
	}
	return poll(ctx, 50*time.Millisecond, func() (bool, error) {
		_, err := c.WorkflowService().CountWorkflowExecutions(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: name})
		return err == nil, nil
	})
}

// versions returns the versions of the servers.
func (s servers) versions(ctx context.Context) (postgres, temporal string, err error) {
	pool, err := pgxpool.New(ctx, s.SuperuserURL)
	if err != nil {
		return "", "", err
	}
	defer pool.Close()
	if err := pool.QueryRow(ctx, `SHOW server_version`).Scan(&postgres); err != nil {
		return "", "", err
	}
	c, err := client.NewLazyClient(client.Options{HostPort: s.TemporalAddress, Logger: sdklog.NewStructuredLogger(discard)})
	if err != nil {
		return "", "", err
	}
	defer c.Close()
	info, err := c.WorkflowService().GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{})
	return postgres, info.GetServerVersion(), err
}

// poll calls ask until it returns true, for five minutes at most. It asks for a tenth of the time at most, because asking costs, too.
func poll(ctx context.Context, pause time.Duration, ask func() (bool, error)) error {
	for begin := time.Now(); ; {
		asked := time.Now()
		yes, err := ask()
		switch {
		case yes || err != nil:
			return err
		case time.Since(begin) > 5*time.Minute:
			return fmt.Errorf("gave up after 5 minutes")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(max(pause, 9*time.Since(asked))):
		}
	}
}
