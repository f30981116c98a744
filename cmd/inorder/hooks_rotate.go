package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inorder/internal/webhooks"
)

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
