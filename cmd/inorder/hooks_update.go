package main

import (
	"context"
	"errors"
	"fmt"

	"inorder/internal/webhooks"
)

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
