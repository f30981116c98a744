package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"inorder/internal/admin"
	"inorder/internal/bulk"
	"inorder/internal/config"
	"inorder/internal/inspect"
	"inorder/internal/operate"
	"inorder/internal/ready"
	"inorder/internal/store"
	"inorder/internal/store/view"
	"inorder/workflows"
)

// besideAdmin runs a command to its end with the admin API, its metrics and its readiness served beside it. If either one fails, the
// other ends.
func (s *servers) besideAdmin(ctx context.Context, checks []ready.Check, run func(context.Context) error) error {
	tokens, err := admin.LoadTokens(admin.TokenOptions{Token: s.AdminToken, File: s.AdminTokensFile, Log: s.log})
	if err != nil {
		return &config.Error{Problems: []string{err.Error()}}
	}
	defer tokens.Watch()()
	server, err := admin.Listen(admin.Options{Addr: s.AdminAddr, Prober: ready.New(checks, s.limited), Metrics: s.metrics.registry,
		API: s.adminAPI(tokens, checks), Log: s.log})
	if err != nil {
		return err
	}
	defer s.publish()()
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Serve(serving) })
	group.Go(func() error {
		defer stop()
		return run(running)
	})
	return group.Wait()
}

// adminAPI returns the API that answers operators. Without DATABASE_URL it shows what Temporal knows, and acts on nothing.
func (s *servers) adminAPI(tokens *admin.Tokens, checks []ready.Check) *admin.API {
	events := s.events()
	o := admin.APIOptions{Inspector: &inspect.Inspector{Engine: events, Checks: checks}, Tokens: tokens, MaxEventBytes: s.MaxBodyBytes,
		Version: programVersion(), Limited: s.limited}
	if s.operators != nil {
		tables := store.New(s.operators)
		o.Inspector = &inspect.Inspector{View: view.New(s.operators), Engine: events, Checks: checks}
		o.Operator = &operate.Operator{Store: tables, Engine: events, Due: s.drainer.Wake, Traffic: s.traffic, Ends: s.ends}
		o.Bulks = &bulk.Bulks{Store: tables, Engine: workflows.Bulks{Events: events}}
		o.Keys = tables
	}
	return admin.NewAPI(o)
}

// events returns the client of the events' workflows, with links to Temporal's UI.
func (s *servers) events() workflows.Events {
	return workflows.Events{Client: s.temporal, Namespace: s.Temporal.Namespace, TaskQueue: s.TaskQueue, UI: s.TemporalUIURL, Tracing: s.tracing}
}
