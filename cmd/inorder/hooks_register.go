package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"inorder/internal/endpoints"
	"inorder/internal/hooks"
)

type hooksRegisterCmd struct {
	URL string `arg:"" help:"Where to deliver to. Without a path: that of our receivers, /webhooks/hc."`

	Events []string `help:"The events to deliver, separated by commas; '*' is all. Default: all that are about orders." placeholder:"EVENT"`
	Force  bool     `help:"Also events that the platform is not known to have."`
}

func (*hooksRegisterCmd) Help() string {
	return `Registers a webhook and keeps its secret, which the platform shows once, in PostgreSQL. It is created inactive and activated
two seconds later, when every receiver verifies by its secret; so no delivery is refused, and no receiver is restarted.

It may be run again: one that is there already is found, and one that was interrupted is completed.` + hooksSettings + `

Examples:

    inorder hooks register https://shop.example.com
    inorder hooks register https://shop.example.com/webhooks/hc --events order.created,order.paid
    inorder hooks register https://shop.example.com --events '*'`
}

// Validate reports what kong cannot see. It runs before the environment is read.
func (c *hooksRegisterCmd) Validate() (err error) {
	if c.URL, err = hooks.Endpoint(c.URL); err != nil {
		return err
	}
	if len(c.Events) == 0 {
		c.Events = hooks.OrderEvents()
	}
	return checkEvents(c.Events, c.Force)
}

func checkEvents(events []string, force bool) error {
	if force {
		return nil
	}
	return hooks.CheckEvents(events)
}

func (c *hooksRegisterCmd) Run(ctx context.Context, std streams) error {
	d, err := openHooks(ctx, std)
	if err != nil {
		return err
	}
	defer d.close()
	e, existed, err := d.Register(ctx, c.URL, c.Events)
	if err != nil {
		return err
	}
	if existed {
		fmt.Fprintf(std.out, "%s is there already: %s, %s, %s mode\n", e.ID, e.URL, count(len(e.Events), "event"), e.Mode)
		return nil
	}
	return d.tellRegistered(ctx, std, e)
}

func (d *hookDesk) tellRegistered(ctx context.Context, std streams, e endpoints.Endpoint) error {
	name, err := d.secretName(ctx, e.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s is registered: %s, %s, %s mode\n", e.ID, e.URL, count(len(e.Events), "event"), e.Mode)
	fmt.Fprintf(std.out, "Its secret, called %s, is kept in PostgreSQL, where every receiver finds it; none needs a restart.\n", name)
	fmt.Fprintf(std.out, "\nTry next:\n  inorder hooks test %s\n", e.ID)
	return nil
}

// secretName is what the secret of an endpoint is called.
func (d *hookDesk) secretName(ctx context.Context, id string) (string, error) {
	secrets, err := d.Store.Secrets(ctx)
	for _, s := range secrets {
		if s.Source == id {
			return s.Name, err
		}
	}
	return "(none)", err
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
		return fmt.Errorf("--keep and --overlap must be 0s or longer")
	}
	return nil
}

func (c *hooksRotateCmd) Run(ctx context.Context, std streams) error {
	d, err := openHooks(ctx, std)
	if err != nil {
		return err
	}
	defer d.close()
	e, err := d.Rotate(ctx, c.ID, hooks.Rotation{Keep: c.Keep, Overlap: c.Overlap, Force: c.Force})
	if err != nil {
		return err
	}
	name, err := d.secretName(ctx, e.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s replaces %s: %s, %s, %s mode\n", e.ID, c.ID, e.URL, count(len(e.Events), "event"), e.Mode)
	fmt.Fprintf(std.out, "Its secret is called %s; that of %s verifies until %s.\n", name, c.ID, clockOf(time.Now().Add(c.Keep)))
	if !e.IsActive {
		fmt.Fprintf(std.out, "It is disabled, as the old one was: `inorder hooks enable %s` lets it deliver.\n", e.ID)
	}
	return nil
}

func clockOf(t time.Time) string { return t.Local().Format(time.DateTime) }

func joined(events []string) string {
	if len(events) > 3 {
		return strings.Join(events[:2], ", ") + fmt.Sprintf(" and %d more", len(events)-2)
	}
	return strings.Join(events, ", ")
}
