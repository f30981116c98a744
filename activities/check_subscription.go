package activities

import (
	"context"
	"fmt"

	"inorder/internal/store"
	"inorder/internal/webhooks"
)

// CheckSubscription compares our webhooks with those at the platform and, with HookAutorepair, repairs the differences. It may
// run twice: see webhooks.Watchdog.
func (a *Activities) CheckSubscription(ctx context.Context) (webhooks.Check, error) {
	if a.Platform == nil {
		return webhooks.Check{Note: "nothing was checked: HEADLESS_COMMERCE_API_KEY is not set, so the platform cannot be asked"}, nil
	}
	watchdog := webhooks.Watchdog{
		Registrar: webhooks.Registrar{Platform: a.Platform, Store: a.Webhooks, Owner: webhooks.WatchdogOwner},
		Repair:    a.HookAutorepair,
		Metrics:   a.WebhookMetrics,
		Log:       a.Log,
	}
	check, err := watchdog.Check(ctx)
	if err != nil {
		return check, err
	}
	if err := a.Store.Succeeded(ctx, store.JobCheckSubscription); err != nil {
		return check, fmt.Errorf("record that the check succeeded: %w", err)
	}
	return check, nil
}
