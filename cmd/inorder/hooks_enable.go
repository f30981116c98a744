package main

import (
	"context"
	"fmt"
)

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
