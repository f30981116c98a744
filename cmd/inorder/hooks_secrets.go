package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/internal/config"
	"inorder/internal/endpoints"
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
	store, closeStore, err := openSecrets(ctx)
	if err != nil {
		return err
	}
	defer closeStore()
	secrets, err := store.Secrets(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, secretViews(secrets))
	}
	fmt.Fprintf(std.out, "%s\n", count(len(secrets), "secret"))
	return printSecrets(std.out, secretViews(secrets))
}

type hooksSecretsEndCmd struct {
	Name string `arg:"" help:"The secret's name; see inorder hooks secrets list."`

	In    time.Duration `default:"0s" help:"How long it stays valid yet."`
	Force bool          `help:"Also if deliveries of an active webhook are then refused."`
}

func (*hooksSecretsEndCmd) Help() string {
	return `Lets a secret end, now or --in a while, wherever receivers have it from: also one of WEBHOOK_SECRETS or WEBHOOK_SECRETS_FILE that
leaked. Every receiver that reaches PostgreSQL refuses within seconds what it signs. An end that is nearer stays, and it can't
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
	store, closeStore, err := openSecrets(ctx)
	if err != nil {
		return err
	}
	defer closeStore()
	if err := c.check(ctx, store); err != nil {
		return err
	}
	at := time.Now().Add(c.In)
	if _, err := store.EndSecret(ctx, c.Name, at); err != nil {
		return err
	}
	secrets, err := store.Secrets(ctx)
	if err != nil {
		return err
	}
	for _, s := range secrets {
		if s.Name == c.Name && s.EndsAt != nil {
			at = *s.EndsAt
		}
	}
	fmt.Fprintf(std.out, "Secret %s verifies nothing from %s on; every receiver that reaches PostgreSQL knows within %s\n",
		c.Name, clockOf(at), endpoints.KnownWithin)
	return nil
}

// check refuses a secret that is not there, and one without which an active webhook of ours is refused.
func (c *hooksSecretsEndCmd) check(ctx context.Context, store endpoints.Store) error {
	secrets, err := store.Secrets(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(secrets, func(s endpoints.Secret) bool { return s.Name == c.Name })
	if i < 0 {
		return fmt.Errorf("no secret is called %q here: see `inorder hooks secrets list`. One of WEBHOOK_SECRETS or WEBHOOK_SECRETS_FILE that has "+
			"verified nothing yet is known to its receivers alone: take it out there", c.Name)
	}
	registered, err := store.List(ctx)
	if err != nil || c.Force {
		return err
	}
	for _, e := range registered {
		// The platform signs by the secret that it showed, so no other one stands in for it.
		if e.ID == secrets[i].Source && e.IsActive {
			return fmt.Errorf("secret %s signs what the active webhook %s delivers, and all of it would be refused: `inorder hooks rotate %[2]s` "+
				"replaces the secret first; with --force it ends nevertheless", c.Name, e.ID)
		}
	}
	return nil
}

// openSecrets reads the environment and looks whether PostgreSQL is ready.
func openSecrets(ctx context.Context) (endpoints.Store, func(), error) {
	c, err := config.Load(config.NeedDatabase)
	if err != nil {
		return endpoints.Store{}, nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, c.Pool)
	if err != nil {
		return endpoints.Store{}, nil, fmt.Errorf("make the PostgreSQL pool: %w", err)
	}
	if err := checkDatabase(ctx, pool); err != nil {
		pool.Close()
		return endpoints.Store{}, nil, err
	}
	return endpoints.Store{Pool: pool}, pool.Close, nil
}
