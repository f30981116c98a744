package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
	"inorder/internal/words"
)

type hooksSecretsCmd struct {
	List hooksSecretsListCmd `cmd:"" help:"List the secrets that verify deliveries, by name."`
	End  hooksSecretsEndCmd  `cmd:"" help:"Let a secret end, for every receiver and without a restart."`
}

type hooksSecretsListCmd struct {
	JSON bool `name:"json" help:"As JSON."`
}

func (*hooksSecretsListCmd) Help() string {
	return `Shows every secret that PostgreSQL knows: where it comes from, until when it is valid, and when it last verified a delivery. Secrets
go by a name, eight hex digits of a hash; receivers log the same names. One that a receiver has from WEBHOOK_SECRETS or
WEBHOOK_SECRETS_FILE is known here once it verified a delivery.

Needs DATABASE_URL. It does not ask the platform.

Example:

    inorder hooks secrets list`
}

func (c *hooksSecretsListCmd) Run(ctx context.Context, std streams) error {
	return withDatabase(ctx, 0, func(db *servers) error {
		list, err := secrets.Table{Pool: db.pool}.List(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(std.out, secretViews(list))
		}
		fmt.Fprintf(std.out, "%s\n", words.Count(len(list), "secret"))
		return printSecrets(std.out, secretViews(list))
	})
}

type hooksSecretsEndCmd struct {
	Name string `arg:"" help:"The secret's name; see inorder hooks secrets list."`

	In    time.Duration `default:"0s" help:"How long it stays valid yet."`
	Force bool          `help:"Also if deliveries of an active webhook are then refused."`
}

func (*hooksSecretsEndCmd) Help() string {
	return `Lets a secret end, now or --in a while, wherever receivers have it from: also one of WEBHOOK_SECRETS or WEBHOOK_SECRETS_FILE that
leaked. Every receiver that reaches PostgreSQL refuses within seconds what it signs. An earlier end stays, and it can't
be taken back; take the secret out of the settings, too.

inorder hooks rotate replaces a webhook's secret without a gap, and lets the old one end by itself.

Needs DATABASE_URL. It does not ask the platform.

Examples:

    inorder hooks secrets end 1a2b3c4d
    inorder hooks secrets end 1a2b3c4d --in 24h`
}

func (c *hooksSecretsEndCmd) Validate() error {
	if c.In < 0 {
		return errors.New("--in must be 0s or longer")
	}
	return nil
}

func (c *hooksSecretsEndCmd) Run(ctx context.Context, std streams) error {
	return withDatabase(ctx, 0, func(db *servers) error {
		ends, err := webhooks.Store{Pool: db.pool}.EndSecret(ctx, c.Name, time.Now().Add(c.In), c.Force)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "Secret %s verifies nothing from %s on; every receiver that reaches PostgreSQL knows within %s\n",
			c.Name, clockOf(ends), secrets.KnownWithin)
		return nil
	})
}

type hooksRotateCmd struct {
	ID string `arg:"" help:"The webhook's ID; see inorder hooks list."`

	Keep    time.Duration `default:"24h" help:"How long the old secret stays valid, for deliveries that it signed and that are retried late."`
	Overlap time.Duration `default:"10s" help:"How long the old and the new webhook both deliver, for what the old one has under way."`
	Force   bool          `help:"Also one that was not registered from here."`
}

func (*hooksRotateCmd) Help() string {
	return `Replaces a webhook's secret. The platform has no such call, so the webhook is replaced: a second one with the same URL and
events is created inactive, its secret is recorded, it is activated when every receiver has it, and then the old one is
disabled and deleted. For --overlap both deliver, and the event's ID keeps the effect single. The old secret ends after --keep.

Interrupted at any point, it may be run again with the same ID, and goes on.` + hooksSettings + `

Example:

    inorder hooks rotate wh_1 --keep 48h`
}

func (c *hooksRotateCmd) Validate() error {
	if c.Keep < 0 || c.Overlap < 0 {
		return errors.New("--keep and --overlap must be 0s or longer")
	}
	return nil
}

func (c *hooksRotateCmd) Run(ctx context.Context, std streams) error {
	return withHooks(ctx, std, func(h *hooksClients) error {
		r, err := h.Rotate(ctx, c.ID, webhooks.Rotation{Keep: c.Keep, Overlap: c.Overlap, Force: c.Force})
		if err != nil {
			return err
		}
		name, err := h.Store.SecretName(ctx, r.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "%s replaces %s: %s\n", r.ID, c.ID, summary(r))
		fmt.Fprintf(std.out, "Its secret is called %s; that of %s verifies until %s.\n", name, c.ID, clockOf(time.Now().Add(c.Keep)))
		if !r.IsActive {
			fmt.Fprintf(std.out, "It is disabled, as the old one was: `inorder hooks enable %s` lets it deliver.\n", r.ID)
		}
		return nil
	})
}
