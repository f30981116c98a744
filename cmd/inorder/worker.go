package main

import (
	"context"

	"inorder/internal/config"
)

type workerCmd struct{}

func (*workerCmd) Help() string {
	return `Runs the workflows and activities that bring each event to its end. It serves no HTTP but, at
ADMIN_ADDR, GET /metrics, /healthz, which says that it lives, and /readyz: 200 if Temporal and PostgreSQL answer, else 503.
None of them asks for a token in this version, whether ADMIN_TOKEN is set or not.

It starts while PostgreSQL or Temporal is down, and waits for them. It refuses to run on an older schema or without the
search attributes: then run ` + "`inorder migrate`" + `; and in a Temporal namespace that belongs to another database. On SIGINT or
SIGTERM it finishes what it has begun; a second signal ends it at once.

Needs DATABASE_URL. Reads ADMIN_ADDR, TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (and the other TEMPORAL_* names), TASK_QUEUE,
EVENT_RETENTION, REDELIVERY_HORIZON, PENDING_RECHECK, STUCK_AFTER, PENDING_TTL, MAX_EVENT_SKEW, LOG_LEVEL, LOG_FORMAT. With
HEADLESS_COMMERCE_API_KEY (and HEADLESS_COMMERCE_API_URL) it also compares orders with the platform's, and checks our webhooks
there: RECONCILE_AFTER, RECONCILE_WINDOW, HOOK_AUTOREPAIR.

Example:

    DATABASE_URL=postgres://inorder:secret@db.example.com/inorder TEMPORAL_ADDRESS=temporal.example.com:7233 \
        inorder worker`
}

func (*workerCmd) Run(ctx context.Context, std streams) error {
	return withServers(ctx, config.NeedDatabase, std, func(s *servers) error {
		return s.besideAdmin(ctx, s.ready(true), s.work)
	})
}
