package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"inorder/activities"
	"inorder/internal/webhooks"
	"inorder/internal/words"
)

// CheckSubscription checks whether our webhooks are still as we registered them at the platform. A schedule starts it
// (CheckSubscriptionScheduleID). Its result and, in words, its current details contain the faults; it does not fail.
// While the platform or PostgreSQL is away, it goes on running, and no other one begins.
func CheckSubscription(ctx workflow.Context) (webhooks.Check, error) {
	workflow.SetCurrentDetails(ctx, "Asks the platform for the webhooks that were registered from here. While the platform or PostgreSQL is unavailable, it "+
		"retries; the pending activity shows why.")
	var check webhooks.Check
	err := workflow.ExecuteActivity(webhookCheck(ctx), a.CheckSubscription).Get(ctx, &check)
	if err == nil {
		workflow.SetCurrentDetails(ctx, subscriptionDetails(check))
	}
	return check, err
}

func subscriptionDetails(c webhooks.Check) string {
	switch {
	case c.Note != "":
		return "**OK**, but " + c.Note + "."
	case len(c.Faults) == 0:
		return fmt.Sprintf("**OK**: %s on the platform as registered.", words.Phrase(c.Checked, "webhook is", "webhooks are"))
	}
	var b strings.Builder
	b.WriteString("**Repaired**: all faults are corrected.\n\n")
	if open := len(c.Open()); open > 0 {
		b.Reset()
		b.WriteString(fmt.Sprintf("**Wrong**: %s, of %d. `inorder hooks list` shows the webhooks, `inorder hooks update` and "+
			"`enable` correct them; with `HOOK_AUTOREPAIR=true` the worker does.\n\n", words.Phrase(open, "fault remains", "faults remain"), len(c.Faults)))
	}
	for _, p := range c.Faults {
		name := p.Webhook
		if name == "" {
			name = "all webhooks"
		}
		b.WriteString("- `" + name + "` " + p.Kind + ": " + p.Text)
		if p.Repaired != "" {
			b.WriteString("; " + p.Repaired)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// PurgeEvents deletes what need not be kept any longer: see activities.PurgeEvents. A schedule starts it (PurgeScheduleID).
// Its result says how many rows it deleted and when it finished. While it runs, or fails and is retried, its current details
// say when a purge last succeeded.
func PurgeEvents(ctx workflow.Context) (activities.PurgeResult, error) {
	last := "It has not succeeded yet."
	var r activities.PurgeResult
	if workflow.HasLastCompletionResult(ctx) && workflow.GetLastCompletionResult(ctx, &r) == nil {
		last = fmt.Sprintf("It last succeeded at %s and deleted %s.", r.FinishedAt.Format(time.RFC3339), words.Count(int(r.Deleted), "row"))
	}
	workflow.SetCurrentDetails(ctx, "Deletes webhook_events rows that are older than EVENT_RETENTION. "+last)
	r = activities.PurgeResult{}
	err := workflow.ExecuteActivity(longRun(ctx, "purge webhook_events"), a.PurgeEvents, workflow.Now(ctx)).Get(ctx, &r)
	return r, err
}

// SweepEvents brings back the events that lost their workflow, because somebody terminated or deleted it. A schedule starts it
// (SweepScheduleID). Its result is what it found and did. If an event could not be brought back, the sweep does not fail; the
// next one tries again.
func SweepEvents(ctx workflow.Context) (activities.SweepEventsResult, error) {
	in := activities.SweepEventsInput{Now: workflow.Now(ctx)}
	last := "No sweep has finished yet."
	var r activities.SweepEventsResult
	if workflow.HasLastCompletionResult(ctx) && workflow.GetLastCompletionResult(ctx, &r) == nil {
		in.Since = r.BeganAt
		last = fmt.Sprintf("The last one finished at %s, checked %s, and restarted %d.", r.FinishedAt.Format(time.RFC3339), words.Count(r.Checked, "event"), r.Started)
	}
	workflow.SetCurrentDetails(ctx, "Brings back events whose workflow was terminated, deleted or lost. "+last)
	r = activities.SweepEventsResult{}
	err := workflow.ExecuteActivity(longRun(ctx, "bring back events that lost their workflow"), a.SweepEvents, in).Get(ctx, &r)
	return r, err
}
