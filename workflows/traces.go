package workflows

import (
	"context"

	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"

	"inorder/activities"
	"inorder/internal/telemetry"
)

// TraceEvents returns an interceptor that adds the event to the spans of its start and of its workflow. It must come after telemetry.Tracing's
// interceptor, which creates the spans. It doesn't affect what a workflow does.
func TraceEvents() interceptor.Interceptor { return &tracingEvents{} }

type tracingEvents struct{ interceptor.InterceptorBase }

func (*tracingEvents) InterceptClient(next interceptor.ClientOutboundInterceptor) interceptor.ClientOutboundInterceptor {
	return &tracingClient{interceptor.ClientOutboundInterceptorBase{Next: next}}
}

type tracingClient struct {
	interceptor.ClientOutboundInterceptorBase
}

func (c *tracingClient) ExecuteWorkflow(ctx context.Context, in *interceptor.ClientExecuteWorkflowInput) (client.WorkflowRun, error) {
	if in.WorkflowType == ProcessEventType {
		a := in.Options.TypedSearchAttributes
		eventType, _ := a.GetKeyword(EventTypeKey)
		orderID, _ := a.GetKeyword(OrderIDKey)
		telemetry.MarkAs(trace.SpanFromContext(ctx), eventOf(in.Args, in.Options.ID), eventType, orderID)
	}
	return c.Next.ExecuteWorkflow(ctx, in)
}

func (*tracingEvents) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &tracingWorkflow{interceptor.WorkflowInboundInterceptorBase{Next: next}}
}

type tracingWorkflow struct {
	interceptor.WorkflowInboundInterceptorBase
}

func (w *tracingWorkflow) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	span, ok := opentelemetry.SpanFromWorkflowContext(ctx)
	if info := workflow.GetInfo(ctx); ok && info.WorkflowType.Name == ProcessEventType {
		a := workflow.GetTypedSearchAttributes(ctx)
		eventType, _ := a.GetKeyword(EventTypeKey)
		orderID, _ := a.GetKeyword(OrderIDKey)
		telemetry.MarkAs(span, eventOf(in.Args, info.WorkflowExecution.ID), eventType, orderID)
	}
	return w.Next.ExecuteWorkflow(ctx, in)
}

// eventOf returns the ID of a workflow's event. A workflow that somebody started by hand, without a receipt, has the event's ID as its own.
func eventOf(args []any, workflowID string) string {
	for _, a := range args {
		if r, ok := a.(activities.Receipt); ok && r.EventID != "" {
			return r.EventID
		}
	}
	return workflowID
}
