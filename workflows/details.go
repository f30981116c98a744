package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"inorder/activities"
)

// What the Temporal UI shows as an event's current details: what it waits for, and how to release it. Markdown.

const retryingDetails = "**Applying** failed and is being retried until it succeeds. The pending activity shows the last error. " +
	"Its next attempt comes within a minute of the cause being gone."

const howToRelease = "- Signal `retry` makes it look again now.\n" +
	"- Signal `discard` with `{\"reason\": \"…\", \"actor\": \"…\"}` gives it up; the event stays recorded.\n"

const askingDetails = " The platform is being asked for the order. While it does not answer, the pending activity `FetchOrder` says why; " +
	"a key that it refuses is tried again every ten minutes."

// answeredDetails tells what the platform answered.
func answeredDetails(ctx workflow.Context, answer workflow.Future) string {
	var r activities.FetchOrderResult
	switch err := answer.Get(ctx, &r); {
	case err != nil:
		return " The platform could not be asked for the order: " + err.Error() + "."
	case r.EventID != "":
		return fmt.Sprintf(" The platform has the order, and the event `%s` brings it.", r.EventID)
	case r.Found:
		return ""
	}
	return fmt.Sprintf(" The platform was asked for the order: %s. It is asked again at the next look.", r.Detail)
}

func parkedDetails(phase Phase, r activities.ApplyEventResult, next *time.Time, platform string) string {
	if phase == PhaseAttention {
		return fmt.Sprintf("**Needs attention**: %s.\n\nIt stays here, and loses nothing, until somebody decides.\n\n%s", r.Detail, howToRelease)
	}
	name := strings.ToUpper(string(phase)[:1]) + string(phase)[1:]
	return fmt.Sprintf("**%s**: order `%s` does not exist yet. The event goes on by itself when `order.created` of that order arrives, "+
		"and looks again at %s.%s\n\n%s", name, r.OrderID, next.UTC().Format(time.RFC3339), platform, howToRelease)
}

func endDetails(r activities.ApplyEventResult) string {
	if r.Detail == "" {
		return fmt.Sprintf("**%s**", r.Outcome)
	}
	return fmt.Sprintf("**%s**: %s", r.Outcome, r.Detail)
}
