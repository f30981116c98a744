package worker

import (
	"context"
	"fmt"
	"math"
	"time"

	"go.temporal.io/api/workflowservice/v1"
)

// warnOfRetention logs a warning if Temporal forgets a workflow's ID while the platform may still deliver its event again. The
// table dedupes those, so the harm is one more workflow for each.
func warnOfRetention(ctx context.Context, o Options) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	is, err := o.Client.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: o.Namespace})
	if err != nil {
		o.Log.Debug("the namespace's retention can't be read", "namespace", o.Namespace, "cause", err)
		return
	}
	retention := is.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration()
	if retention == 0 || retention >= o.RedeliveryHorizon {
		return
	}
	cure := fmt.Sprintf("temporal operator namespace update --namespace %s --retention %.0fh", o.Namespace, math.Ceil(o.RedeliveryHorizon.Hours()))
	o.Log.Warn("the Temporal namespace's retention is shorter than REDELIVERY_HORIZON: an event that is delivered again after it becomes a second workflow, "+
		"which the table dedupes", "namespace", o.Namespace, "retention", retention, "redelivery_horizon", o.RedeliveryHorizon, "to_raise_it", cure)
}
