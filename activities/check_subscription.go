package activities

import (
	"context"

	"inorder/internal/webhooks"
)

// CheckSubscription compares our webhooks with what the platform has, and with HookAutorepair repairs what differs. It may run
// twice: see webhooks.Watchdog.
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
	return watchdog.Check(ctx)
}
