package main

import (
	"context"
	"fmt"

	"inorder/internal/listen"
)

type hooksSweepCmd struct {
	DryRun bool `help:"Say what would be deleted, and delete nothing."`
}

func (*hooksSweepCmd) Help() string {
	return `Deletes the webhooks of inorder listen that this user left behind on this machine, as after kill -9. One is dead when nobody
holds the lock of its name; where nobody can know that, because it is of another machine of the same user@host, when its lease
is over. Webhooks of anybody else, and lasting ones, are never touched.` + hooksSettings + `

Example:

    inorder hooks sweep --dry-run`
}

func (c *hooksSweepCmd) Run(ctx context.Context, std streams) error {
	return withHooks(ctx, std, func(h *hooksClients) error {
		m, err := listen.ThisMachine(listen.DefaultDir())
		if err != nil {
			return err
		}
		verb, n := map[bool]string{true: "would delete", false: "deleting"}[c.DryRun], 0
		err = listen.Sweep(ctx, h.Registrar, m, c.DryRun, func(s listen.Swept) {
			n++
			fmt.Fprintln(std.out, line(fmt.Sprintf("%s %s, %s: %s", verb, s.ID, s.URL, s.Why)))
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "%s left behind by %s\n", count(n, "webhook"), m.Owner)
		return nil
	})
}
