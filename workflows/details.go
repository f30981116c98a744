package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"inorder"
	"inorder/activities"
)

// What operators see of an event in Temporal: its phase, and its current details in Markdown, which say what a person can do,
// then what the event waits for. They are short, because the UI cuts what its box does not hold.

// show shows a phase and its details. Search attributes cost an event of history, so only a new phase sets one.
func (p *process) show(ctx workflow.Context, phase Phase, detail, details string) error {
	if p.state.Phase != phase {
		p.state.Since = workflow.Now(ctx)
	}
	p.state.Phase, p.state.Detail = phase, detail
	workflow.SetCurrentDetails(ctx, details)
	if p.shown == phase {
		return nil
	}
	p.shown = phase
	return workflow.UpsertTypedSearchAttributes(ctx, EventPhaseKey.ValueSet(string(phase)))
}

// hidePhase removes EventPhase, so that a query by phase finds only events that run.
func (p *process) hidePhase(ctx workflow.Context) error {
	if p.shown == "" {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, EventPhaseKey.ValueUnset())
}

const (
	canRetry   = "Signal `retry`: "
	canDiscard = "Signal `discard` with `{\"reason\": \"…\", \"actor\": \"…\"}`, or *Request Cancellation*: give it up, recorded.\n\n"

	retryingDetails = canRetry + "try now. " + canDiscard +
		"**Applying** failed, and is tried again until it succeeds. The pending activity shows the last error."

	askingDetails = " The platform is being asked for it; while it does not answer, the pending activity says why."

	discardingDetails = canRetry + "try now.\n\n**Discarding**. While that fails, the pending activity shows why."
)

func releasingDetails(r activities.ApplyEventResult) string {
	return fmt.Sprintf("%stry now.\n\n**%s**, and waking what waits for order `%s`. A cancellation does not stop that.", canRetry, r.Outcome, r.OrderID)
}

// answeredDetails says what the platform answered.
func answeredDetails(ctx workflow.Context, answer workflow.Future) string {
	var r activities.FetchOrderResult
	switch err := answer.Get(ctx, &r); {
	case err != nil:
		return " The platform could not be asked for it: " + inorder.Bounded(err.Error()) + "."
	case r.EventID != "":
		return fmt.Sprintf(" The platform has it, and the event `%s` brings it.", r.EventID)
	case r.Found:
		return ""
	}
	return fmt.Sprintf(" The platform was asked for it: %s.", inorder.Bounded(r.Detail))
}

func attentionDetails(r activities.ApplyEventResult) string {
	return canRetry + "try again. " + canDiscard + fmt.Sprintf("**Needs attention**: %s. It stays until somebody decides.", inorder.Bounded(r.Detail))
}

// waitingDetails ends with what the platform answered, or that it is being asked.
func waitingDetails(r activities.ApplyEventResult, next time.Time, platform string) string {
	name := strings.ToUpper(string(r.Outcome)[:1]) + string(r.Outcome)[1:]
	return canRetry + "try again now. " + canDiscard + fmt.Sprintf("**%s** for order `%s`, and goes on by itself when that is created. Tries again at %s.%s",
		name, r.OrderID, next.UTC().Format(time.RFC3339), platform)
}

func endDetails(r activities.ApplyEventResult) string {
	if r.Detail == "" {
		return fmt.Sprintf("**%s**", r.Outcome)
	}
	return fmt.Sprintf("**%s**: %s", r.Outcome, inorder.Bounded(r.Detail))
}
