package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"inorder/internal/config"
)

type serveCmd struct{}

func (*serveCmd) Help() string {
	return `Runs a receiver and a worker that share one connection to Temporal, so that an event accepted here is applied here
without another round trip. This is how to run one node, and how to scale out: several of them behind a load balancer.

The receiver listens at once, also while PostgreSQL or Temporal is down: an event is accepted as soon as Temporal is
there, and applied as soon as both are. Before ` + "`inorder migrate`" + ` has prepared them, and in a Temporal namespace that belongs
to another database, serve refuses to run. On SIGINT or SIGTERM it finishes what it has accepted and begun; a second signal ends it at once.

Needs DATABASE_URL. Reads what ` + "`inorder receiver`" + ` and ` + "`inorder worker`" + ` read. Without WEBHOOK_SECRETS it refuses every
delivery until ` + "`inorder hooks register`" + ` has put a secret into PostgreSQL.

Example:

    WEBHOOK_SECRETS=whsec_test DATABASE_URL=postgres://inorder:secret@127.0.0.1:5432/inorder inorder serve`
}

// Run ends in this order: the receiver, when it has answered what it accepted; then the worker, when it has finished
// what it began; then the metrics, the client and the pool. One of them failing ends the others, and the process with an
// error.
func (*serveCmd) Run(ctx context.Context, std streams) error {
	return withServers(ctx, config.NeedDatabase, std, func(s *servers) error { return s.besideAdmin(ctx, s.ready(true), s.receiveAndWork) })
}

func (s *servers) receiveAndWork(ctx context.Context) error {
	if err := refuseForeign(ctx, s.worker()); err != nil {
		return err
	}
	working, stopWorker := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWorker()
	group, receiving := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer stopWorker()
		return s.receive(receiving)
	})
	group.Go(func() error { return s.work(working) })
	return group.Wait()
}
