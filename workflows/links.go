package workflows

import (
	"strings"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"

	"inorder/internal/api"
)

// adminURL is the key of the admin API's URL in a workflow's context.
type adminURL struct{}

// LinkTo returns an interceptor that makes an event's current details link to the admin API at url, such as http://10.0.0.5:3001. If url is
// "", there is no link. Current details are not part of a workflow's history, but computed for each reader; so url may differ between workers
// and may change.
func LinkTo(url string) interceptor.WorkerInterceptor {
	return &linking{url: strings.TrimSuffix(url, "/")}
}

type linking struct {
	interceptor.WorkerInterceptorBase
	url string
}

func (l *linking) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &linkingWorkflow{interceptor.WorkflowInboundInterceptorBase{Next: next}, l.url}
}

type linkingWorkflow struct {
	interceptor.WorkflowInboundInterceptorBase
	url string
}

func (l *linkingWorkflow) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	return l.Next.ExecuteWorkflow(workflow.WithValue(ctx, adminURL{}, l.url), in)
}

// eventLink returns the command that shows an event, in Markdown. It links to the admin API if its URL is known.
func eventLink(ctx workflow.Context, eventID string) string {
	const command = "`inorder events show`"
	url, _ := ctx.Value(adminURL{}).(string)
	if url == "" {
		return command
	}
	return "[" + command + "](" + url + api.PathOf(api.EventPath, eventID) + ")"
}
