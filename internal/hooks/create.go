package hooks

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"inorder/internal/endpoints"
	"inorder/internal/platform"
)

// New is a webhook to create.
type New struct {
	URL    string   // see Endpoint
	Events []string // see CheckEvents
	Tag    Tag

	Inactive bool // leave it inactive
}

// Create makes a webhook whose first delivery finds its secret in every receiver: it is created inactive, recorded with its
// secret, and activated when receivers have reloaded. That a webhook can be created inactive is known from the platform's
// SDK alone; one that is active at once is taken as it is, and what it delivers too early is delivered again. Where a webhook
// of the other mode is recorded it makes none: see endpoints.OtherModeError.
//
// It is not idempotent: see Register. What cannot be recorded is deleted again. With an error that came later, or when ctx
// ends in between, the endpoint is returned, too: it exists, and is recorded.
func (r Registrar) Create(ctx context.Context, n New) (endpoints.Endpoint, error) {
	if err := r.Store.CheckMode(ctx, r.Platform.Mode()); err != nil {
		return endpoints.Endpoint{}, err
	}
	w, err := r.create(ctx, n)
	if err != nil {
		return endpoints.Endpoint{}, fmt.Errorf("register %s: %w", n.URL, err)
	}
	e := endpoints.Endpoint{ID: w.ID, URL: w.URL, Events: w.Events, Mode: r.Platform.Mode(), Owner: n.Tag.record(), IsActive: !n.Inactive}
	if e.URL == "" || len(e.Events) == 0 { // an answer that does not say
		e.URL, e.Events = n.URL, n.Events
	}
	if !n.Tag.Lease.IsZero() {
		e.LeaseUntil = &n.Tag.Lease
	}
	if w.Secret == "" {
		return endpoints.Endpoint{}, r.undo(ctx, w.ID, errors.New("the platform did not show its secret, without which no delivery can be verified"))
	}
	if err := r.Store.Add(ctx, e, w.Secret); err != nil {
		return endpoints.Endpoint{}, r.undo(ctx, w.ID, err)
	}
	if missing := without(n.Events, e.Events); len(missing) > 0 {
		r.say("the platform left out %v of the events of %s", missing, e.ID)
	}
	return e, r.activate(ctx, e, w.IsActive)
}

// activate lets deliveries begin, when every receiver has the secret.
func (r Registrar) activate(ctx context.Context, e endpoints.Endpoint, is bool) error {
	if is || !e.IsActive {
		return nil
	}
	r.say("%s is registered, but not active yet: waiting %s until every receiver has its secret", e.ID, endpoints.KnownWithin)
	if err := r.wait(ctx, endpoints.KnownWithin); err != nil {
		return err
	}
	yes := true
	if _, err := r.Platform.UpdateWebhook(ctx, e.ID, platform.WebhookUpdate{IsActive: &yes}); err != nil {
		return fmt.Errorf("%s is registered, but could not be activated; `inorder hooks enable %[1]s` does that: %w", e.ID, err)
	}
	return nil
}

// create asks for what it wants, and if the platform calls that invalid, for what the documents know.
func (r Registrar) create(ctx context.Context, n New) (platform.Webhook, error) {
	inactive := false
	w, err := r.Platform.CreateWebhook(ctx, platform.NewWebhook{URL: n.URL, Events: n.Events, IsActive: &inactive, Metadata: n.Tag.Metadata()})
	if platform.IsInvalid(err) {
		w, err = r.Platform.CreateWebhook(ctx, platform.NewWebhook{URL: n.URL, Events: n.Events})
	}
	return w, err
}

// undo deletes what was created and cannot be used, and gives the error to return.
func (r Registrar) undo(ctx context.Context, id string, cause error) error {
	ctx, cancel := clearing(ctx)
	defer cancel()
	if err := r.Platform.DeleteWebhook(ctx, id); err != nil && !platform.IsNotFound(err) {
		return fmt.Errorf("%s was created and is of no use, and could not be deleted; `inorder hooks delete --force %[1]s` does that: %w (%w)", id, cause, err)
	}
	return fmt.Errorf("%s was created, and deleted again: %w", id, cause)
}

func without(all, those []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(e string) bool { return slices.Contains(those, e) })
}
