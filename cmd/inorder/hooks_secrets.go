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
	End  hooksSecretsEndCmd  `cmd:"" help:"End a secret, at every receiver and without a restart."`
}

type hooksSecretsListCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (*hooksSecretsListCmd) Help() string {
	return `Shows every secret that PostgreSQL knows: where it comes from, until when it is valid, and when it last verified a delivery. A secret
is identified by its name, eight hex digits of a hash; receivers log the same names. A secret that a receiver has from
WEBHOOK_SECRETS or WEBHOOK_SECRETS_FILE is shown here once it has verified a delivery.

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

	In    time.Duration `default:"0s" help:"How much longer it stays valid."`
	Force bool          `help:"End it even if deliveries of an active webhook are then refused."`
}

func (*hooksSecretsEndCmd) Help() string {
	return `Ends a secret, now or after --in, wherever receivers have it from: also a leaked one of WEBHOOK_SECRETS or WEBHOOK_SECRETS_FILE.
Within seconds, every receiver that reaches PostgreSQL refuses what the secret signs. An earlier end stays, and an end can't be
undone. Remove the secret from the settings, too.

inorder hooks rotate replaces a webhook's secret without a gap, and ends the old one by itself.

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
		fmt.Fprintf(std.out, "Secret %s ends at %s; every receiver that reaches PostgreSQL knows this within %s\n",
			c.Name, clockOf(ends), secrets.KnownWithin)
		return nil
	})
}

type hooksRotateCmd struct {
	ID string `arg:"" help:"The webhook's ID; see inorder hooks list."`

	Keep    time.Duration `default:"24h" help:"How long the old secret stays valid, for deliveries that it signed and that are retried late."`
	Overlap time.Duration `default:"10s" help:"How long the old and the new webhook both deliver, for what the old one has under way."`
	Force   bool          `help:"Replace it even if it was not registered from here."`
}

func (*hooksRotateCmd) Help() string {
	return `Replaces a webhook's secret. The platform has no call for that, so the webhook is replaced: a second one with the same URL and
events is created inactive, its secret is recorded, it is activated when every receiver has the secret, and then the old one is
disabled and deleted. During --overlap both deliver, and an event that arrives twice takes effect once. The old secret ends after
--keep.

If the command is interrupted, it may be run again with the same ID, and continues.` + hooksSettings + `

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
		fmt.Fprintf(std.out, "Its secret is called %s; that of %s stays valid until %s.\n", name, c.ID, clockOf(time.Now().Add(c.Keep)))
		if !r.IsActive {
			fmt.Fprintf(std.out, "It is disabled, as the old one was: `inorder hooks enable %s` lets it deliver.\n", r.ID)
		}
		return nil
	})
}
