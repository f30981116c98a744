package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

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
