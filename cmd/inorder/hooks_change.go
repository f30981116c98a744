package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inorder/internal/webhooks"
	"inorder/internal/words"
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
	return fmt.Sprintf("%s, %s, %s mode", r.URL, words.Count(len(r.Events), "event"), r.Mode)
}

type hooksUpdateCmd struct {
	ID string `arg:"" help:"The webhook's ID; see inorder hooks list."`

	URL    string   `name:"url" help:"Deliver to there from now on." placeholder:"URL"`
	Events []string `help:"Deliver these events from now on, separated by commas; '*' is all." placeholder:"EVENT"`
	Force  bool     `help:"Also events that the platform is not known to have."`
}

func (*hooksUpdateCmd) Help() string {
	return `Changes a webhook on the platform and in our record, so that the watchdog expects it as it is then. The secret stays.` + hooksSettings + `

Example:

    inorder hooks update wh_1 --events order.created,order.paid`
}

func (c *hooksUpdateCmd) Validate() (err error) {
	if c.URL == "" && len(c.Events) == 0 {
		return errors.New("say what to change: --url, --events or both")
	}
	if c.URL != "" {
		if c.URL, err = webhooks.CheckURL(c.URL); err != nil {
			return err
		}
	}
	if len(c.Events) == 0 {
		return nil
	}
	return checkEvents(c.Events, c.Force)
}

func (c *hooksUpdateCmd) Run(ctx context.Context, std streams) error {
	return withHooks(ctx, std, func(h *hooksClients) error {
		w, err := h.Update(ctx, c.ID, c.URL, c.Events)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "%s is changed: %s, %s\n", c.ID, w.URL, joined(w.Events))
		return nil
	})
}

type hooksEnableCmd struct {
	ID string `arg:"" help:"The webhook's ID; see inorder hooks list."`
}

func (*hooksEnableCmd) Help() string {
	return `Also for one that the platform deactivated because it kept failing: find out why first, with inorder hooks test.` + hooksSettings + `

Example:

    inorder hooks enable wh_1`
}

func (c *hooksEnableCmd) Run(ctx context.Context, std streams) error {
	return setActive(ctx, std, c.ID, true, "it delivers from now on; `inorder orders reconcile` catches up what it missed")
}

type hooksDisableCmd struct {
	ID string `arg:"" help:"The webhook's ID; see inorder hooks list."`
}

func (*hooksDisableCmd) Help() string {
	return `Nothing is delivered until it is enabled again, and the watchdog knows that it was on purpose. Its secret stays valid.` + hooksSettings + `

Example:

    inorder hooks disable wh_1`
}

func (c *hooksDisableCmd) Run(ctx context.Context, std streams) error {
	return setActive(ctx, std, c.ID, false, "it delivers nothing until it is enabled again")
}

func setActive(ctx context.Context, std streams, id string, active bool, meaning string) error {
	return withHooks(ctx, std, func(h *hooksClients) error {
		if _, err := h.SetActive(ctx, id, active); err != nil {
			return err
		}
		fmt.Fprintf(std.out, "%s is %s: %s\n", id, map[bool]string{true: "enabled", false: "disabled"}[active], meaning)
		return nil
	})
}

type hooksDeleteCmd struct {
	ID string `arg:"" help:"The webhook's ID; see inorder hooks list."`

	Keep  time.Duration `default:"24h" help:"How long its secret stays valid, for deliveries under way."`
	Force bool          `help:"Also one that was not registered from here, and so may be somebody else's."`
}

func (*hooksDeleteCmd) Help() string {
	return `Deletes a webhook on the platform, and our record of it. One that is gone already is forgotten here, which is a success.` + hooksSettings + `

Example:

    inorder hooks delete wh_1`
}

func (c *hooksDeleteCmd) Validate() error {
	if c.Keep < 0 {
		return errors.New("--keep must be 0s or longer")
	}
	return nil
}

func (c *hooksDeleteCmd) Run(ctx context.Context, std streams) error {
	return withHooks(ctx, std, func(h *hooksClients) error {
		existed, err := h.Delete(ctx, c.ID, c.Keep, c.Force)
		if err != nil {
			return err
		}
		if existed {
			fmt.Fprintf(std.out, "%s is deleted; a secret of it that is kept here verifies until %s\n", c.ID, clockOf(time.Now().Add(c.Keep)))
		} else {
			fmt.Fprintf(std.out, "%s was deleted on the platform before; it is forgotten here, too\n", c.ID)
		}
		return nil
	})
}
