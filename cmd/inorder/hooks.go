package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/internal/config"
	"inorder/internal/endpoints"
	"inorder/internal/hooks"
	"inorder/internal/listen"
	"inorder/internal/platform"
	"inorder/migrations"
)

type hooksCmd struct {
	Register hooksRegisterCmd `cmd:"" help:"Register a webhook, and keep its secret where receivers find it."`
	List     hooksListCmd     `cmd:"" help:"List the platform's webhooks, and how they and their secrets are."`
	Show     hooksShowCmd     `cmd:"" help:"Show one webhook."`
	Update   hooksUpdateCmd   `cmd:"" help:"Change a webhook's URL or events."`
	Enable   hooksEnableCmd   `cmd:"" help:"Let a webhook deliver."`
	Disable  hooksDisableCmd  `cmd:"" help:"Keep a webhook from delivering."`
	Test     hooksTryCmd      `cmd:"" help:"Have the platform deliver a test event, and show what became of it."`
	Rotate   hooksRotateCmd   `cmd:"" help:"Replace a webhook's secret without a gap."`
	Secrets  hooksSecretsCmd  `cmd:"" help:"List the secrets that verify deliveries, or let one end."`
	Delete   hooksDeleteCmd   `cmd:"" help:"Delete a webhook."`
	Sweep    hooksSweepCmd    `cmd:"" help:"Delete what dead inorder listen left behind."`
}

func (*hooksCmd) Help() string {
	return `The webhooks that the platform delivers to, by its Admin API. What is registered from here is recorded in PostgreSQL with its
secret, which every receiver finds there within seconds, without a restart. No command prints a secret or the API key.

The key's prefix picks the mode: sk_test_… shows and changes test data's webhooks only, sk_live_… those of the real shop.

All of them need HEADLESS_COMMERCE_API_KEY and DATABASE_URL, and read HEADLESS_COMMERCE_API_URL; only hooks secrets needs no key.

A first session:

    inorder hooks register https://shop.example.com
    inorder hooks list
    inorder hooks test wh_1`
}

const hooksSettings = `

Needs HEADLESS_COMMERCE_API_KEY and DATABASE_URL. Reads HEADLESS_COMMERCE_API_URL.`

// hookDesk is what all commands about webhooks work with.
type hookDesk struct {
	config.Config
	*watcher
	hooks.Registrar
}

// openHooks reads the environment and looks whether PostgreSQL is ready. The caller closes.
func openHooks(ctx context.Context, std streams) (*hookDesk, error) {
	c, err := config.Load(config.NeedPlatform | config.NeedDatabase)
	if err != nil {
		return nil, err
	}
	d := &hookDesk{Config: c}
	p, err := platform.New(platform.Options{APIKey: c.PlatformKey, BaseURL: c.PlatformURL})
	if err != nil {
		return nil, err
	}
	if d.watcher, err = newWatcher(ctx, c); err != nil {
		return nil, err
	}
	d.Registrar = hooks.Registrar{Platform: p, Store: endpoints.Store{Pool: d.pool}, Owner: listen.Owner(), Say: func(format string, args ...any) {
		fmt.Fprintf(std.err, format+"\n", args...)
	}}
	if err := checkDatabase(ctx, d.pool); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// checkDatabase asks first, so that nothing is registered that could not be recorded.
func checkDatabase(ctx context.Context, pool *pgxpool.Pool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := migrations.Check(ctx, pool)
	var older *migrations.OlderSchemaError
	var encoding *migrations.EncodingError
	if err == nil || errors.As(err, &older) || errors.As(err, &encoding) {
		return err
	}
	return fmt.Errorf("PostgreSQL does not answer; is DATABASE_URL right, and does it run? %s", strings.Join(strings.Fields(err.Error()), " "))
}

// link is where the Temporal UI shows an event, "" if nobody said where that is.
func (d *hookDesk) link(eventID string) string {
	if d.TemporalUIURL == "" {
		return ""
	}
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s", d.TemporalUIURL, d.Temporal.Namespace, eventID)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
