package worker

import (
	"context"
	"fmt"
	"math"
	"time"

	"go.temporal.io/api/workflowservice/v1"
)

// warnOfRetention warns of a namespace that forgets the IDs of its workflows before the platform stops to deliver their
// events again. The table dedupes those, so it is no more than a workflow too many for each. What can't be asked is not told.
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
