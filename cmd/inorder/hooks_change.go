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
	URL string `arg:"" help:"The URL to deliver to. Its default path is that of our receivers, /webhooks/hc."`

	Events []string `help:"The events to deliver, separated by commas; '*' means all. Default: all events about orders." placeholder:"EVENT"`
	Force  bool     `help:"Allow events that the platform is not known to have."`
}

func (*hooksRegisterCmd) Help() string {
	return `Registers a webhook and keeps its secret, which the platform shows only once, in PostgreSQL. The webhook is created inactive
and activated a few seconds later, when every receiver has its secret. So no delivery is refused, and no receiver needs a restart.

The command may be run again: it finds a webhook that is registered already, and completes an interrupted registration.` + hooksSettings + `

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
			fmt.Fprintf(std.out, "%s is registered already: %s\n", r.ID, summary(r))
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

	URL    string   `name:"url" help:"Deliver to this URL from now on." placeholder:"URL"`
	Events []string `help:"Deliver these events from now on, separated by commas; '*' means all." placeholder:"EVENT"`
	Force  bool     `help:"Allow events that the platform is not known to have."`
}

func (*hooksUpdateCmd) Help() string {
	return `Changes a webhook on the platform and in our record, so that the watchdog expects the change. The secret stays the same.` + hooksSettings + `

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
	return `Lets a webhook deliver. If the platform deactivated it because it kept failing, first find out why, with inorder hooks test.` + hooksSettings + `

Example:

    inorder hooks enable wh_1`
}

func (c *hooksEnableCmd) Run(ctx context.Context, std streams) error {
	return setActive(ctx, std, c.ID, true, "it delivers from now on; `inorder orders reconcile` repairs what it missed")
}

type hooksDisableCmd struct {
	ID string `arg:"" help:"The webhook's ID; see inorder hooks list."`
}

func (*hooksDisableCmd) Help() string {
	return `Keeps a webhook from delivering until it is enabled again. The watchdog knows that this is on purpose. The secret stays valid.` + hooksSettings + `

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
	Force bool          `help:"Delete it even if it was not registered from here, and so may be somebody else's."`
}

func (*hooksDeleteCmd) Help() string {
	return `Deletes a webhook on the platform, and our record of it. If the platform no longer has it, deleting our record is a success.` + hooksSettings + `

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
			fmt.Fprintf(std.out, "%s is deleted; its secret, if it is kept here, stays valid until %s\n", c.ID, clockOf(time.Now().Add(c.Keep)))
		} else {
			fmt.Fprintf(std.out, "%s was already deleted on the platform; our record of it is deleted, too\n", c.ID)
		}
		return nil
	})
}
