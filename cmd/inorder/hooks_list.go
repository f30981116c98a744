package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"inorder/internal/platform"
)

type hooksListCmd struct {
	JSON bool `name:"json" help:"As JSON."`
}

func (*hooksListCmd) Help() string {
	return `Shows every webhook of the key's mode, whose it is, and how it differs from what was registered; and every secret that verifies
deliveries: where it comes from, until when it is valid, and when it last verified one, so that one can see when an old one
may go. Secrets go by a name, eight hex digits of a hash.` + hooksSettings + `

Examples:

    inorder hooks list
    inorder hooks list --json | jq '.webhooks[] | select(.faults)'`
}

func (c *hooksListCmd) Run(ctx context.Context, std streams) error {
	return withHooks(ctx, std, func(h *hooksClients) error {
		list, err := h.List(ctx)
		if err != nil {
			return err
		}
		known, err := h.Store.Secrets().List(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(std.out, hooksView{h.Platform.Mode(), viewsOf(list), secretViews(known)})
		}
		fmt.Fprintf(std.out, "%s on %s\n", count(len(list), "webhook"), h.Platform)
		if err := printWebhooks(std.out, viewsOf(list)); err != nil {
			return err
		}
		fmt.Fprintf(std.out, "\n%s\n", count(len(known), "secret"))
		return printSecrets(std.out, secretViews(known))
	})
}

// hooksView is what --json prints: the webhooks before the secrets, which name webhooks that are long gone.
type hooksView struct {
	Mode     platform.Mode `json:"mode"`
	Webhooks []webhookView `json:"webhooks"`
	Secrets  []secretView  `json:"secrets"`
}

func printWebhooks(w io.Writer, list []webhookView) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range list {
		fmt.Fprintf(columns, "  %s\t%s\t%s\t%s\t%s\n", line(v.ID), v.state(), line(v.Whose), line(joined(v.Events)), line(v.URL))
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	for _, v := range list {
		for _, fault := range v.faults() {
			fmt.Fprintf(w, "  ! %s\n", line(v.ID+" "+fault))
		}
	}
	return nil
}
