package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"inorder/internal/webhooks"
)

// CheckSubscription asks the platform whether our webhooks are as we registered them. A schedule starts it
// (CheckSubscriptionScheduleID). What is wrong is in its result and, in words, in its current details; it does not fail.
// It runs on while the platform or PostgreSQL is away, and then no other begins.
func CheckSubscription(ctx workflow.Context) (webhooks.Check, error) {
	workflow.SetCurrentDetails(ctx, "Asks the platform for the webhooks that were registered from here. While the platform or PostgreSQL is away it tries "+
		"again; the pending activity shows why.")
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
		return fmt.Sprintf("**OK**: %d of %[1]d webhooks are on the platform as they were registered.", c.Checked)
	}
	var b strings.Builder
	b.WriteString("**Repaired**: what was wrong is put right.\n\n")
	if open := len(c.Open()); open > 0 {
		b.Reset()
		b.WriteString(fmt.Sprintf("**Wrong**: %d of %d problems are still there. `inorder hooks list` shows the webhooks, `inorder hooks update` and "+
			"`enable` put them right; with `HOOK_AUTOREPAIR=true` the worker does it.\n\n", open, len(c.Faults)))
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
