package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"inorder/internal/config"
	"inorder/worker"
)

type serveCmd struct{}

func (*serveCmd) Help() string {
	return `Runs a receiver and a worker that share one connection to Temporal, so that an event accepted here is applied here
without another round trip. This is how to run one node, and how to scale out: several of them behind a load balancer.

The receiver listens at once, even while PostgreSQL or Temporal is down: an event is accepted as soon as one of them is
available, and applied as soon as PostgreSQL is. Before ` + "`inorder migrate`" + ` has prepared them, and in a Temporal namespace that belongs
to another database, serve refuses to run. On SIGINT or SIGTERM it finishes what it has accepted and begun; a second signal stops it at once.

Needs DATABASE_URL. Reads what ` + "`inorder receiver`" + ` and ` + "`inorder worker`" + ` read. With OTEL_EXPORTER_OTLP_ENDPOINT, or another of
the OTEL_* names, it sends traces of events to a collector. Without WEBHOOK_SECRETS it refuses every
delivery until ` + "`inorder hooks register`" + ` has put a secret into PostgreSQL.

Example:

    WEBHOOK_SECRETS=whsec_test DATABASE_URL=postgres://inorder:secret@127.0.0.1:5432/inorder inorder serve`
}

// Run stops in this order: the receiver, once it has answered what it accepted; then the worker, once it has finished what it
// began; then the metrics, the client and the pools. If one of them fails, the others stop, and the process ends with an error.
func (*serveCmd) Run(ctx context.Context, std streams) error {
	return withServers(ctx, config.NeedDatabase, std, func(s *servers) error { return s.besideAdmin(ctx, s.checks(true, true), s.receiveAndWork) })
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

type receiverCmd struct{}

func (*receiverCmd) Help() string {
	return `Accepts deliveries at POST /webhooks/hc, verifies their signature and starts a workflow for each event. It answers 200
once Temporal has the event on disk. With DATABASE_URL, and unless INBOX=off, an event that Temporal does not take in time goes into
the inbox in PostgreSQL, and is answered 200 as well. If neither takes the event, it answers 503. A worker elsewhere applies the
events. GET /healthz says that the process is alive, GET /readyz that it can accept deliveries, and GET /metrics at ADMIN_ADDR when
each secret last verified a delivery. The admin API is at ADMIN_ADDR, too: with DATABASE_URL it is the same at every process.

The secrets come from three places, and all of them are valid: WEBHOOK_SECRETS; the file that WEBHOOK_SECRETS_FILE names;
and, with DATABASE_URL, PostgreSQL, where ` + "`inorder hooks register`" + ` puts them. The file holds one secret a line, which a space
and the time when it ends may follow, such as 2026-01-02T15:04:05Z; # begins a comment. Only its owner may read it (mode
600); its group too, if root owns it (640); and everybody, if it is on a read-only mount (444), as Kubernetes' and Swarm's
secrets are. The file and PostgreSQL are read every second, so a rotation needs no restart. If PostgreSQL is down, the
secrets that are known stay valid. A text that can't be a secret, because it is in quotes, contains whitespace or has the form
NAME=VALUE, is refused at the start; a secret that is shorter than the platform's causes a warning in the log, which does
not show it.

With DATABASE_URL it also refuses a Temporal namespace that belongs to another database, or to none because
` + "`inorder migrate`" + ` has not run.

On SIGINT or SIGTERM it finishes what it has accepted; a second signal stops it at once.

Senders without a secret can use only limited memory. At most MAX_CONNECTIONS connections are open, and fewer than the process
may open files: one more closes the oldest connection without an authentic delivery. All bodies together take at most
MAX_BODY_MEMORY bytes: when they are used up, the oldest incomplete request is answered 503. Refused requests are logged once
per kind, then counted; with DATABASE_URL samples of them are kept, and ` + "`inorder refused`" + ` says why they were refused.

Needs WEBHOOK_SECRETS, WEBHOOK_SECRETS_FILE or DATABASE_URL. Reads LISTEN_ADDR, ADMIN_ADDR, ADMIN_TOKEN, ADMIN_TOKENS_FILE,
MAX_BODY_BYTES, MAX_BODY_MEMORY, MAX_CONNECTIONS, TRUSTED_PROXIES, INBOX, TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (and the other TEMPORAL_* names),
TEMPORAL_UI_URL, TASK_QUEUE, LOG_LEVEL, LOG_FORMAT, OTEL_*.

Example:

    WEBHOOK_SECRETS=whsec_new,whsec_old LISTEN_ADDR=0.0.0.0:3000 inorder receiver`
}

func (*receiverCmd) Run(ctx context.Context, std streams) error {
	return withServers(ctx, config.NeedSecrets, std, func(s *servers) error { return s.besideAdmin(ctx, s.checks(true, false), s.receiveAlone) })
}

// receiveAlone runs a receiver without a worker. It checks whose the namespace is, which a worker does by itself. Without a
// database nobody knows whose it is.
func (s *servers) receiveAlone(ctx context.Context) error {
	if s.pool == nil {
		return s.receive(ctx)
	}
	if err := refuseForeign(ctx, s.worker()); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	asking, stop := context.WithCancel(ctx)
	group.Go(func() error {
		defer stop()
		return s.receive(ctx)
	})
	group.Go(func() error {
		if err := worker.AwaitOwner(asking, s.worker()); asking.Err() == nil {
			return err
		}
		return nil
	})
	return group.Wait()
}

type workerCmd struct{}

func (*workerCmd) Help() string {
	return `Runs the workflows and activities that bring each event to its end. It serves HTTP only at ADMIN_ADDR: the
admin API, GET /metrics, GET /healthz, which says that the process is alive, and GET /readyz: 200 if Temporal and PostgreSQL answer,
otherwise 503. The admin API needs a token, ADMIN_TOKEN or one of ADMIN_TOKENS_FILE; /docs describes it. The others need none.

It can start while PostgreSQL or Temporal is down, and waits for them. It refuses to run on an older schema or without the
search attributes (run ` + "`inorder migrate`" + ` then), and in a Temporal namespace that belongs to another database. On SIGINT or
SIGTERM it finishes what it has begun; a second signal stops it at once.

Needs DATABASE_URL. Reads ADMIN_ADDR, ADMIN_TOKEN, ADMIN_TOKENS_FILE, TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (and the other
TEMPORAL_* names), TEMPORAL_UI_URL, TASK_QUEUE, EVENT_RETENTION, PAYLOAD_RETENTION, REFUSED_RETENTION, REDELIVERY_HORIZON, PENDING_RECHECK, STUCK_AFTER, PENDING_TTL, MAX_EVENT_SKEW, LOG_LEVEL, LOG_FORMAT, OTEL_*. With
HEADLESS_COMMERCE_API_KEY (and HEADLESS_COMMERCE_API_URL) it also compares orders with the platform's, and checks our webhooks
there: RECONCILE_AFTER, RECONCILE_WINDOW, HOOK_AUTOREPAIR. It drains the inbox, even while Temporal is unavailable; with INBOX=workflow
each event in it becomes a workflow.

Example:

    DATABASE_URL=postgres://inorder:secret@db.example.com/inorder TEMPORAL_ADDRESS=temporal.example.com:7233 \
        inorder worker`
}

func (*workerCmd) Run(ctx context.Context, std streams) error {
	return withServers(ctx, config.NeedDatabase, std, func(s *servers) error {
		return s.besideAdmin(ctx, s.checks(false, true), s.work)
	})
}
