package main

import (
	"context"
	"fmt"

	"inorder/internal/webhooks"
)

type hooksRegisterCmd struct {
	URL string `arg:"" help:"Where to deliver to. Without a path: that of our receivers, /webhooks/hc."`

	Events []string `help:"The events to deliver, separated by commas; '*' is all. Default: all that are about orders." placeholder:"EVENT"`
	Force  bool     `help:"Also events that the platform is not known to have."`
}

func (*hooksRegisterCmd) Help() string {
	return `Registers a webhook and keeps its secret, which the platform shows once, in PostgreSQL. It is created inactive and activated
a few seconds later, when every receiver verifies by its secret; so no delivery is refused, and no receiver is restarted.

It may be run again: one that is there already is found, and one that was interrupted is completed.` + hooksSettings + `

Examples:

    inorder hooks register https://shop.example.com
    inorder hooks register https://shop.example.com/webhooks/hc --events order.created,order.paid
    inorder hooks register https://shop.example.com --events '*'`
}

// Validate reports what kong cannot see. It runs before the environment is read.
func (c *hooksRegisterCmd) Validate() (err error) {
	if c.URL, err = webhooks.CheckURL(c.URL); err != nil {
		return err
	}
	if len(c.Events) == 0 {
		c.Events = webhooks.OrderEvents()
	}
	return checkEvents(c.Events, c.Force)
}

func (c *hooksRegisterCmd) Run(ctx context.Context, std streams) error {
	return withHooks(ctx, std, func(h *hooksClients) error {
		r, existed, err := h.Register(ctx, c.URL, c.Events)
		if err != nil {
			return err
		}
		if existed {
			fmt.Fprintf(std.out, "%s is there already: %s\n", r.ID, summary(r))
			return nil
		}
		name, err := h.Store.SecretName(ctx, r.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "%s is registered: %s\n", r.ID, summary(r))
		fmt.Fprintf(std.out, "Its secret, called %s, is kept in PostgreSQL, where every receiver finds it; none needs a restart.\n", name)
		fmt.Fprintf(std.out, "\nTry next:\n  inorder hooks test %s\n", r.ID)
		return nil
	})
}

func summary(r webhooks.Record) string {
	return fmt.Sprintf("%s, %s, %s mode", r.URL, count(len(r.Events), "event"), r.Mode)
}
