package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"inorder/internal/endpoints"
	"inorder/internal/platform"
)

const (
	// repairsKey is in the metadata of a webhook that a repair made in place of another: its value is that one's ID.
	repairsKey = "inorder_repairs"

	// reloadWithin is how long the receivers may take to find a new secret. Until then they would refuse its deliveries.
	reloadWithin = 2 * time.Second

	// underWay is how long deliveries of a webhook that is gone may still come, signed with its secret.
	underWay = 24 * time.Hour
)

// repairSubscription puts an endpoint's problems right, and notes in each what was done, or why that failed. The next check tries
// again.
func (a *Activities) repairSubscription(ctx context.Context, e endpoints.Endpoint, problems []SubscriptionProblem) {
	if len(problems) == 0 || problems[0].Problem == ProblemOtherMode {
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

// replaceWebhook makes a webhook in place of one that is gone: inactive, until the receivers have its secret. It may be
// cut off anywhere and run again: one that is recorded already is activated, one whose secret was lost with us is
// deleted and made anew. Where the platform keeps no metadata the latter cannot be told, and stays, most likely inactive.
func (a *Activities) replaceWebhook(ctx context.Context, gone endpoints.Endpoint) (done string, err error) {
	id, err := a.findTwin(ctx, gone)
	if err != nil {
		return "", err
	}
	if id == "" {
		if err := a.deleteUnfinished(ctx, gone); err != nil {
			return "", err
		}
		if id, err = a.createInactive(ctx, gone); err != nil {
			return "", err
		}
		if err := pause(ctx, reloadWithin); err != nil {
			return "", err
		}
	}
	active := true
	if _, err := a.Platform.UpdateWebhook(ctx, id, platform.WebhookUpdate{IsActive: &active}); err != nil {
		return "", err
	}
	return "replaced by " + id, a.Endpoints.Remove(ctx, gone.ID, time.Now().Add(underWay))
}

// findTwin looks in our records for another endpoint that should do the same: an earlier run of ours made it, or a
// person registered it. It must exist on the platform.
func (a *Activities) findTwin(ctx context.Context, gone endpoints.Endpoint) (id string, err error) {
	recorded, err := a.Endpoints.List(ctx)
	if err != nil {
		return "", err
	}
	for _, e := range recorded {
		if e.ID == gone.ID || e.Owner != "" || !e.IsActive || e.Mode != gone.Mode || e.URL != gone.URL || !sameEvents(e.Events, gone.Events) {
			continue
		}
		switch _, err := a.Platform.GetWebhook(ctx, e.ID); {
		case err == nil:
			return e.ID, nil
		case !platform.IsNotFound(err):
			return "", err
		}
	}
	return "", nil
}

// deleteUnfinished deletes what an earlier run made in place of that endpoint and did not record. findTwin has not
// found it, so its secret is lost.
func (a *Activities) deleteUnfinished(ctx context.Context, gone endpoints.Endpoint) error {
	var ids []string
	for w, err := range a.Platform.Webhooks(ctx) {
		if err != nil {
			return err
		}
		var tag map[string]any
		if json.Unmarshal(w.Metadata, &tag) == nil && tag[repairsKey] == gone.ID {
			ids = append(ids, w.ID)
		}
	}
	for _, id := range ids {
		if err := a.Platform.DeleteWebhook(ctx, id); err != nil && !platform.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// createInactive makes and records it, or leaves nothing behind. That one can begin inactive, and keeps metadata, only the
// platform's SDK knows: should the platform call that invalid, it is asked for what its documents know.
func (a *Activities) createInactive(ctx context.Context, gone endpoints.Endpoint) (id string, err error) {
	inactive := false
	w := platform.NewWebhook{URL: gone.URL, Events: gone.Events, IsActive: &inactive, Metadata: map[string]any{repairsKey: gone.ID}}
	made, err := a.Platform.CreateWebhook(ctx, w)
	if invalid := (*platform.Error)(nil); errors.As(err, &invalid) && (invalid.Status == 400 || invalid.Status == 422) {
		w.IsActive, w.Metadata = nil, nil
		made, err = a.Platform.CreateWebhook(ctx, w)
	}
	if err != nil {
		return "", err
	}
	e := gone
	e.ID = made.ID
	if made.Secret == "" {
		err = errors.New("the platform did not show its secret, without which no delivery can be verified")
	} else {
		err = a.Endpoints.Add(ctx, e, made.Secret)
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		return "", errors.Join(fmt.Errorf("%s was made and is of no use: %w", made.ID, err), a.Platform.DeleteWebhook(ctx, made.ID))
	}
	return made.ID, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
