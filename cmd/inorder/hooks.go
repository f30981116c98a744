package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"inorder/internal/config"
	"inorder/internal/listen"
	"inorder/internal/webhooks"
)

type hooksCmd struct {
	Register hooksRegisterCmd `cmd:"" help:"Register a webhook, and keep its secret where receivers find it."`
	List     hooksListCmd     `cmd:"" help:"List the platform's webhooks and their secrets, with the state of each."`
	Show     hooksShowCmd     `cmd:"" help:"Show one webhook."`
	Update   hooksUpdateCmd   `cmd:"" help:"Change a webhook's URL or events."`
	Enable   hooksEnableCmd   `cmd:"" help:"Let a webhook deliver."`
	Disable  hooksDisableCmd  `cmd:"" help:"Keep a webhook from delivering."`
	Test     hooksTryCmd      `cmd:"" help:"Have the platform deliver a test event, and show what became of it."`
	Rotate   hooksRotateCmd   `cmd:"" help:"Replace a webhook's secret without a gap."`
	Secrets  hooksSecretsCmd  `cmd:"" help:"List the secrets that verify deliveries, or end one."`
	Delete   hooksDeleteCmd   `cmd:"" help:"Delete a webhook."`
	Sweep    hooksSweepCmd    `cmd:"" help:"Delete webhooks that a dead inorder listen left behind."`
}

func (*hooksCmd) Help() string {
	return `Manages the platform's webhooks through its Admin API. A webhook that is registered from here is recorded in PostgreSQL with its
secret, which every receiver finds there within seconds, without a restart. No command prints a secret or the API key.

The key's prefix decides the mode: sk_test_… shows and changes only webhooks of test data, sk_live_… those of the real shop.

All of these commands need HEADLESS_COMMERCE_API_KEY and DATABASE_URL, and read HEADLESS_COMMERCE_API_URL; only hooks secrets needs no key.

A first session:

    inorder hooks register https://shop.example.com
    inorder hooks list
    inorder hooks test wh_1`
}

const hooksSettings = `

Needs HEADLESS_COMMERCE_API_KEY and DATABASE_URL. Reads HEADLESS_COMMERCE_API_URL.`

// hooksClients is what the commands about webhooks work with.
type hooksClients struct {
	*servers
	webhooks.Registrar
}

// withHooks runs a command about webhooks. It asks PostgreSQL first, so that nothing is registered that can't be recorded.
func withHooks(ctx context.Context, std streams, run func(*hooksClients) error) error {
	return withDatabase(ctx, config.NeedPlatform, func(c *servers) error {
		say := func(format string, args ...any) { fmt.Fprintf(std.err, format+"\n", args...) }
		return run(&hooksClients{c, webhooks.Registrar{
			Platform: c.platform, Store: webhooks.Store{Pool: c.pool}, Owner: listen.Owner(), Say: say,
		}})
	})
}

// link returns where the Temporal UI shows an event, "" if TEMPORAL_UI_URL is not set.
func (c *hooksClients) link(eventID string) string {
	if c.TemporalUIURL == "" {
		return ""
	}
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s", c.TemporalUIURL, c.Temporal.Namespace, eventID)
}

func checkEvents(events []string, force bool) error {
	if force {
		return nil
	}
	return webhooks.CheckEvents(events)
}

func clockOf(t time.Time) string { return t.Local().Format(time.DateTime) }

func joined(events []string) string {
	if len(events) > 3 {
		return strings.Join(events[:2], ", ") + fmt.Sprintf(" and %d more", len(events)-2)
	}
	return strings.Join(events, ", ")
}
