package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"inorder"
	"inorder/activities"
)

// What operators see of an event in Temporal: its phase, and its current details in Markdown. Versions of the UI up to 2.42 show details
// in a box of 100 pixels and cut off the rest. So the details are one paragraph of at most four lines in a window of 1280 pixels: two for
// what a person can do, two for what the event waits for.

// details are the parts of an event's current details. Each fits in two lines.
type details struct {
	actions string // what a person can do; "" once the event has ended
	stands  string // where the event stands
}

// show shows a phase and its details. Setting a search attribute costs a history event, so show sets it only for a new phase.
func (p *process) show(ctx workflow.Context, phase Phase, detail string, d details) error {
	if p.state.Phase != phase {
		p.state.Since = workflow.Now(ctx)
	}
	p.state.Phase, p.state.Detail = phase, detail
	p.showDetails(ctx, d)
	if p.shown == phase {
		return nil
	}
	p.shown = phase
	return workflow.UpsertTypedSearchAttributes(ctx, EventPhaseKey.ValueSet(string(phase)))
}

// hidePhase removes EventPhase, so that a query by phase finds only running events.
func (p *process) hidePhase(ctx workflow.Context) error {
	if p.shown == "" {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, EventPhaseKey.ValueUnset())
}

// showDetails sets the current details, with a link or command that leads to everything known about the event.
func (p *process) showDetails(ctx workflow.Context, d details) {
	more := "More: " + eventLink(ctx, p.receipt.EventID)
	if d.actions == "" {
		workflow.SetCurrentDetails(ctx, d.stands+newLine+more)
		return
	}
	workflow.SetCurrentDetails(ctx, d.actions+" "+more+newLine+d.stands)
}

const (
	newLine = "  \n" // a line break in Markdown; a new paragraph would take one more line

	canRetry   = "Signal `retry`: try again now."
	canDiscard = " Signal `discard` with `{\"reason\": \"…\", \"actor\": \"…\"}`, or *Request Cancellation*: give it up, recorded."

	askingText = " The platform is being asked for it."
)

var (
	retryingDetails   = details{canRetry + canDiscard, "**Applying** failed and is retried until it succeeds. *Pending Activities* shows the last error."}
	discardingDetails = details{canRetry, "**Discarding**. While that fails, *Pending Activities* shows why."}
)

func releasingDetails(r activities.ApplyEventResult) details {
	return details{canRetry, fmt.Sprintf("**%s**; waking the events that wait for order %s. A cancellation does not stop that.", capital(r.Outcome), code(r.OrderID))}
}

// answeredText returns what the platform answered, in words.
func answeredText(ctx workflow.Context, answer workflow.Future) string {
	var r activities.FetchOrderResult
	switch err := answer.Get(ctx, &r); {
	case err != nil:
		return " Asking the platform failed: " + short(err.Error(), 24) + "."
	case r.EventID != "":
		return " The platform has it, and a repair is creating it."
	case r.Found:
		return ""
	}
	return " Asked: " + short(r.Detail, 44) + "."
}

func attentionDetails(r activities.ApplyEventResult) details {
	return details{canRetry + canDiscard, "**Needs attention**: " + short(r.Detail, 90) + ". `inorder events amend` corrects it."}
}

// waitingDetails ends with platform, the text about the question to the platform. The next attempt is within an hour, so next shows no date.
func waitingDetails(r activities.ApplyEventResult, next time.Time, platform string) details {
	return details{canRetry + canDiscard, fmt.Sprintf("**%s** for order %s; continues when it is created. Next try at %s.%s",
		capital(r.Outcome), code(r.OrderID), next.UTC().Format("15:04:05 UTC"), platform)}
}

func endDetails(r activities.ApplyEventResult) details {
	if r.Detail == "" {
		return details{stands: "**" + capital(r.Outcome) + "**"}
	}
	return details{stands: "**" + capital(r.Outcome) + "**: " + short(r.Detail, 160)}
}

func capital(o inorder.Outcome) string {
	if o == "" {
		return ""
	}
	return strings.ToUpper(string(o)[:1]) + string(o)[1:]
}

// code returns an ID as Markdown code, shortened for the box. The page shows the whole ID elsewhere.
func code(id string) string {
	return "`" + strings.ReplaceAll(inorder.Cut(oneLine(id), 24), "`", "'") + "`"
}

// short returns a text from outside, shortened for the box and escaped for Markdown. The query "state" returns the whole text.
func short(s string, most int) string {
	return markdown.Replace(strings.TrimSuffix(inorder.Cut(oneLine(inorder.Bounded(s)), most), "."))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

var markdown = strings.NewReplacer("`", "'", "*", `\*`, "[", `\[`, "<", `\<`)
