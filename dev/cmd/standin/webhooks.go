package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"

	"inorder/dev/standin"
)

type webhooksCmd struct{}

func (*webhooksCmd) Run(ctx context.Context, api *control, out io.Writer) error {
	var all struct{ Webhooks []standin.WebhookState }
	if err := api.call(ctx, "GET", "/webhooks", nil, &all); err != nil {
		return err
	}
	if len(all.Webhooks) == 0 {
		fmt.Fprintln(out, "No webhooks yet. To register one: inorder hooks register URL")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WEBHOOK\tMODE\tACTIVE\tURL\tEVENTS")
	for _, h := range all.Webhooks {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", h.ID, h.Mode, map[bool]string{true: "yes", false: "no"}[h.IsActive], h.URL, events(h.Events))
	}
	return w.Flush()
}

// events lists the first few event types and counts the rest.
func events(all []string) string {
	const few = 3
	if len(all) <= few+1 {
		return strings.Join(all, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:few], " "), len(all)-few)
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
