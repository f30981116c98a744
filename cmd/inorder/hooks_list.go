package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"inorder/internal/platform"
	"inorder/internal/terminal"
	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
	"inorder/internal/words"
)

type hooksListCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (*hooksListCmd) Help() string {
	return `Shows every webhook of the key's mode, whose it is, and how it differs from what was registered. Also shows every secret that
verifies deliveries: where it comes from, until when it is valid, and when it last verified a delivery, which tells when an
old secret can be removed. A secret is identified by its name, eight hex digits of a hash.` + hooksSettings + `

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
		fmt.Fprintf(std.out, "%s on %s\n", words.Count(len(list), "webhook"), h.Platform)
		if err := printWebhooks(std.out, viewsOf(list)); err != nil {
			return err
		}
		fmt.Fprintf(std.out, "\n%s\n", words.Count(len(known), "secret"))
		return printSecrets(std.out, secretViews(known))
	})
}

// hooksView is what --json prints. The webhooks come first: secrets also name webhooks that are long gone.
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

// webhookView is a webhook as it is shown.
type webhookView struct {
	webhooks.Webhook
	Ours    bool         `json:"ours"` // registered from here
	Whose   string       `json:"whose"`
	Faults  []string     `json:"faults,omitempty"`
	Secrets []secretView `json:"secrets,omitempty"`
}

func viewsOf(list []webhooks.Webhook) []webhookView {
	shown := make([]webhookView, len(list))
	for i, w := range list {
		shown[i] = viewOf(w)
	}
	return shown
}

func viewOf(w webhooks.Webhook) webhookView {
	whose := "foreign"
	switch {
	case w.Tag.Listen != "":
		whose = fmt.Sprintf("listen %q of %s until %s", w.Tag.Listen, w.Tag.Owner, clockOf(w.Tag.Lease))
	case w.Record != nil:
		whose = "ours"
	case w.Tag.Owner != "":
		whose = "foreign, of " + w.Tag.Owner
	}
	v := webhookView{Webhook: w, Ours: w.Record != nil, Whose: whose, Secrets: secretViews(w.Secrets)}
	for _, f := range w.Faults() {
		v.Faults = append(v.Faults, f.Text)
	}
	return v
}

func (v webhookView) state() string {
	switch {
	case v.Gone:
		return "gone"
	case v.Active:
		return "active"
	}
	return "inactive"
}

// faults returns the faults with what a person can do about them.
func (v webhookView) faults() (texts []string) {
	for _, f := range v.Webhook.Faults() {
		text := f.Text
		if remedy := v.Remedy(f); remedy != "" {
			text += ": " + remedy
		}
		texts = append(texts, text)
	}
	return texts
}

// secretView is a secret as it is shown: without the secret itself.
type secretView struct {
	Name       string     `json:"name"`
	Source     string     `json:"source"`
	Valid      bool       `json:"valid"`
	CreatedAt  time.Time  `json:"created_at"`
	EndsAt     *time.Time `json:"ends_at"`
	VerifiedAt *time.Time `json:"last_verified_at"`
}

func secretViews(list []secrets.Secret) []secretView {
	shown := make([]secretView, len(list))
	for i, s := range list {
		shown[i] = secretView{s.Name, s.Source, s.Valid(time.Now()), s.CreatedAt, s.EndsAt, s.VerifiedAt}
	}
	return shown
}

func printSecrets(w io.Writer, secrets []secretView) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range secrets {
		valid, verified := "valid indefinitely", "has verified nothing yet"
		if s.EndsAt != nil {
			valid = map[bool]string{true: "valid until ", false: "ended "}[s.Valid] + clockOf(*s.EndsAt)
		}
		if s.VerifiedAt != nil {
			verified = "last verified a delivery " + clockOf(*s.VerifiedAt)
		}
		fmt.Fprintf(columns, "  %s\tof %s\t%s\t%s\n", s.Name, s.Source, valid, verified)
	}
	return columns.Flush()
}

// line keeps text of the platform from adding lines and columns.
func line(s string) string { return terminal.Line(s, 2000) }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

type hooksShowCmd struct {
	ID   string `arg:"" help:"The webhook's ID; see inorder hooks list."`
	JSON bool   `name:"json" help:"Print JSON."`
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
		fmt.Fprintf(out, "\nNo secret of this webhook is kept here.\n")
		return nil
	}
	fmt.Fprintf(out, "\n%s\n", words.Count(len(v.Secrets), "secret"))
	return printSecrets(out, v.Secrets)
}
