package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"

	"inorder/internal/standin"
)

type webhooksCmd struct{}

func (*webhooksCmd) Run(ctx context.Context, api *control, out io.Writer) error {
	var all struct{ Webhooks []standin.WebhookState }
	if err := api.call(ctx, "GET", "/webhooks", nil, &all); err != nil {
		return err
	}
	if len(all.Webhooks) == 0 {
		fmt.Fprintln(out, "No webhooks yet: inorder hooks register URL")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WEBHOOK\tMODE\tACTIVE\tEVENTS\tURL")
	for _, h := range all.Webhooks {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", h.ID, h.Mode, map[bool]string{true: "yes", false: "no"}[h.IsActive], strings.Join(h.Events, ","), h.URL)
	}
	return w.Flush()
}

type deactivateCmd struct {
	ID string `arg:"" help:"The webhook's ID."`
}

func (d *deactivateCmd) Run(ctx context.Context, api *control, out io.Writer) error {
	var is struct{ ID string }
	if err := api.call(ctx, "POST", "/webhooks/"+url.PathEscape(d.ID)+"/deactivate", nil, &is); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is inactive: nothing is delivered to it until it is enabled again.\n", is.ID)
	return nil
}
