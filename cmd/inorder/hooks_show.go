package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

type hooksShowCmd struct {
	ID   string `arg:"" help:"The webhook's ID; see inorder hooks list."`
	JSON bool   `name:"json" help:"As JSON."`
}

func (*hooksShowCmd) Help() string {
	return `Shows one webhook as the platform has it, and what differs from what was registered.` + hooksSettings + `

Example:

    inorder hooks show wh_1`
}

func (c *hooksShowCmd) Run(ctx context.Context, std streams) error {
	return withHooks(ctx, std, func(h *hooksClients) error {
		w, _, err := h.Find(ctx, c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(std.out, viewOf(w))
		}
		return viewOf(w).print(std.out)
	})
}

func (v webhookView) print(out io.Writer) error {
	columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"ID", v.ID}, {"URL", v.URL}, {"State", v.state()}, {"Whose", v.Whose}, {"Created", v.CreatedAt}, {"Events", strings.Join(v.Events, "\n\t")},
	} {
		fmt.Fprintf(columns, "%s\t%s\n", line[0], line[1])
	}
	for _, fault := range v.faults() {
		fmt.Fprintf(columns, "Fault\t%s\n", fault)
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	if len(v.Secrets) == 0 {
		fmt.Fprintf(out, "\nNo secret of it is kept here.\n")
		return nil
	}
	fmt.Fprintf(out, "\n%s\n", count(len(v.Secrets), "secret"))
	return printSecrets(out, v.Secrets)
}
