package worker

import (
	"context"
	"time"

	"go.temporal.io/api/workflowservice/v1"
)

// adviseOnRetention logs advice about the retention settings, including the namespace's own retention. None of the findings breaks a promise:
// package config has already refused settings that would.
func adviseOnRetention(ctx context.Context, o Options) {
	kept, err := namespaceRetention(ctx, o)
	if err != nil {
		o.Log.Debug("the namespace's retention can't be read", "namespace", o.Namespace, "cause", err)
	}
	for _, p := range o.Retention.Advise(kept) {
		o.Log.Warn(p.Text, "namespace", o.Namespace, "to_cure_it", p.Cure(o.Namespace))
	}
}

// namespaceRetention returns how long Temporal keeps a workflow that has ended; zero if Temporal does not say.
func namespaceRetention(ctx context.Context, o Options) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	is, err := o.Client.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: o.Namespace})
	if err != nil {
		return 0, err
	}
	return is.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(), nil
}
