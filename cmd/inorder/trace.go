package main

import (
	"context"

	"go.temporal.io/sdk/interceptor"

	"inorder/internal/config"
	"inorder/internal/telemetry"
	"inorder/workflows"
)

// trace starts tracing if a setting asks for it, before the clients are made. Otherwise no client has a tracer.
func (s *servers) trace(ctx context.Context) error {
	if s.Traces == nil {
		return nil
	}
	t, err := telemetry.Start(ctx, telemetry.Options{Version: programVersion(), Sampler: s.Traces.Sampler, Ratio: s.Traces.Ratio, Log: s.limited})
	if err != nil {
		return &config.Error{Problems: []string{"OTEL_*: " + err.Error()}}
	}
	s.tracing = t
	spans, err := t.Interceptor()
	if err != nil {
		return err
	}
	s.Temporal.Interceptors = append(s.Temporal.Interceptors, []interceptor.ClientInterceptor{spans, workflows.TraceEvents()}...)
	if s.Pool != nil {
		t.TraceSQL(s.Pool.ConnConfig)
	}
	return nil
}
