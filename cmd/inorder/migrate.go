package main

import (
	"context"
	"fmt"
	"time"

	"inorder/internal/await"
	"inorder/internal/config"
	"inorder/internal/store"
	"inorder/migrations"
	"inorder/worker"
)

type migrateCmd struct {
	Wait     time.Duration `default:"60s" help:"How long to wait for servers that are still starting."`
	TakeOver bool          `help:"Take over the Temporal namespace of another system, whose database was lost."`
	Grant    string        `placeholder:"ROLE" help:"Grant this PostgreSQL role, which the other commands use, the privileges that they need, and no more."`
}

func (*migrateCmd) Help() string {
	return `Prepares both servers for this version: the SQL schema in PostgreSQL, and the search attributes and schedules in Temporal.
The schedules purge old webhook_events rows, compare orders with the platform's, and check our webhooks there. Run migrate
before a new version starts.

It is idempotent, and several may run at once. It waits for servers that are still starting. The database must be in UTF8.
Programs may keep running. A migration that can't lock a table within one or two seconds gives way to them, says so and tries again,
for five minutes: a backup or another long transaction may have to end first.

One Temporal namespace belongs to one database: the first migrate marks it with the schedule inorder-owner, and the migrate of
another database refuses it from then on. --take-over is for a namespace whose database was lost, or whose system has been shut
down: what still waits there continues with this database. Nothing of the other system may still run.

With --grant, DATABASE_URL names the role that owns the tables, and ROLE is the role of all other commands. ROLE owns nothing, so they
can add to the audit, but can't change or delete what it has. The role must exist; each run with --grant sets its privileges
again.

Needs DATABASE_URL. Reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (and the other TEMPORAL_* names), TASK_QUEUE,
AUDIT_RETENTION, which it writes into the database, RECONCILE_EVERY, LOG_LEVEL, LOG_FORMAT. It warns of a namespace whose retention does not fit
EVENT_RETENTION, PAYLOAD_RETENTION and REDELIVERY_HORIZON.

Example:

    DATABASE_URL=postgres://inorder_owner:secret@127.0.0.1:5432/inorder inorder migrate --wait 2m --grant inorder`
}

func (m *migrateCmd) Run(ctx context.Context, std streams) error {
	return withServers(ctx, config.NeedDatabase, std, func(s *servers) error { return m.migrate(ctx, s) })
}

func (m *migrateCmd) migrate(ctx context.Context, s *servers) error {
	if err := m.awaitServers(ctx, s); err != nil {
		return err
	}
	if err := migrations.Apply(ctx, s.pool, s.log); err != nil {
		return store.Explain(err)
	}
	s.log.Info("the schema is up to date")
	switch changed, err := migrations.KeepAudit(ctx, s.pool, s.AuditRetention); {
	case err != nil:
		return store.Explain(err)
	case changed:
		s.log.Info("the audit's retention has changed", "audit_retention", s.AuditRetention)
	}
	if m.Grant != "" {
		if err := migrations.Grant(ctx, s.pool, m.Grant); err != nil {
			return err
		}
		s.log.Info("the role has its privileges on the tables", "role", m.Grant)
	}
	if m.TakeOver {
		if err := worker.TakeOver(ctx, s.worker()); err != nil {
			return err
		}
	}
	return worker.Provision(ctx, s.worker())
}

func (m *migrateCmd) awaitServers(ctx context.Context, s *servers) error {
	ctx, cancel := context.WithTimeout(ctx, m.Wait)
	defer cancel()
	ping := func(ctx context.Context) error { return store.Explain(s.pool.Ping(ctx)) }
	if err := await.Ready(ctx, s.log, s.postgresPlace(), ping); err != nil {
		return fmt.Errorf("%w; %s", err, postgresCure)
	}
	if err := await.Ready(ctx, s.log, s.temporalPlace(), s.checkTemporal); err != nil {
		return fmt.Errorf("%w; %s", err, temporalCure)
	}
	return nil
}
