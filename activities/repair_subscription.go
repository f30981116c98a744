package activities

import (
	"context"
	"slices"

	"inorder/internal/endpoints"
	"inorder/internal/hooks"
	"inorder/internal/platform"
)

// watchdogOwner is in the metadata of a webhook that a repair made, whichever worker did.
const watchdogOwner = "inorder watchdog"

// repairSubscription puts an endpoint's problems right, and notes in each what was done, or why that failed. The next check tries
// again.
func (a *Activities) repairSubscription(ctx context.Context, e endpoints.Endpoint, problems []SubscriptionProblem) {
	if len(problems) == 0 || !slices.Contains(repairable, problems[0].Problem) {
		return
	}
	done, err := "", error(nil)
	if problems[0].Problem == ProblemMissing {
		done, err = a.replaceWebhook(ctx, e)
	} else {
		done, err = "set back to what was registered", a.updateWebhook(ctx, e, problems)
	}
	for i := range problems {
		p := &problems[i]
		if err != nil {
			p.Detail += "; repairing it failed: " + err.Error()
			continue
		}
		p.Repaired = done
		subscriptionRepairs.WithLabelValues(p.Problem).Inc()
	}
}

// updateWebhook sets what differs back to what was registered.
func (a *Activities) updateWebhook(ctx context.Context, e endpoints.Endpoint, problems []SubscriptionProblem) error {
	var u platform.WebhookUpdate
	for _, p := range problems {
		switch p.Problem {
		case ProblemInactive:
			u.IsActive = &e.IsActive
		case ProblemURL:
			u.URL = &e.URL
		case ProblemEvents:
			u.Events = e.Events
		}
	}
	_, err := a.Platform.UpdateWebhook(ctx, e.ID, u)
	return err
}

// replaceWebhook makes a webhook in place of one that is gone, as a rotation does. It may be cut off anywhere and run
// again.
func (a *Activities) replaceWebhook(ctx context.Context, gone endpoints.Endpoint) (done string, err error) {
	r := hooks.Registrar{Platform: a.Platform, Store: a.Endpoints, Owner: watchdogOwner}
	e, err := r.Rotate(ctx, gone.ID, hooks.Rotation{Keep: hooks.DefaultKeep, Gone: true})
	if err != nil {
		return "", err
	}
	return "replaced by " + e.ID, nil
}
