package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
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
		fmt.Fprintf(std.out, "%s\n", count(len(list), "secret"))
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
