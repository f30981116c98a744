package main

import (
	"context"

	"go.temporal.io/sdk/client"

	"inorder/internal/config"
	"inorder/receiver"
)

type receiverCmd struct{}

func (*receiverCmd) Help() string {
	return `Takes deliveries at POST /webhooks/hc, verifies their signature and starts a workflow for each event. It answers 200
once Temporal has the event on disk, and 503 while it cannot be reached. It needs no database; a worker elsewhere
applies the events. GET /healthz says that it lives, GET /readyz that it can accept.

On SIGINT or SIGTERM it finishes what it has accepted; a second signal ends it at once.

Needs WEBHOOK_SECRETS. Reads LISTEN_ADDR, MAX_BODY_BYTES, TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (and the other
TEMPORAL_* names), TASK_QUEUE, LOG_LEVEL, LOG_FORMAT.

Example:

    WEBHOOK_SECRETS=whsec_new,whsec_old LISTEN_ADDR=0.0.0.0:3000 inorder receiver`
}

func (*receiverCmd) Run(ctx context.Context, std streams) error {
	s, err := open(ctx, config.NeedSecrets, std.err)
	if err != nil {
		return err
	}
	defer s.close()
	return s.receive(ctx)
}

func (s *servers) receive(ctx context.Context) error {
	checks := map[string]receiver.Check{"temporal": {Run: s.checkTemporal, Required: true}}
	if s.pool != nil { // shown, because what is accepted is applied only while it is there
		checks["postgres"] = receiver.Check{Run: s.pool.Ping}
	}
	r := receiver.New(receiver.Options{
		Starter:      s.temporal,
		TaskQueue:    s.TaskQueue,
		Secrets:      receiver.StaticSecrets(s.WebhookSecrets...),
		MaxBodyBytes: s.MaxBodyBytes,
		Checks:       checks,
		Log:          s.log,
	})
	s.log.Info("receiver listens", "address", s.ListenAddr)
	return r.Run(ctx, s.ListenAddr)
}

func (s *servers) checkTemporal(ctx context.Context) error {
	_, err := s.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}
