package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"inorder/internal/endpoints"
	"inorder/internal/hooks"
	"inorder/internal/platform"
	"inorder/internal/terminal"
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
	d, err := openHooks(ctx, std)
	if err != nil {
		return err
	}
	defer d.close()
	list, err := d.List(ctx)
	if err != nil {
		return err
	}
	secrets, err := d.Store.Secrets(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(std.out, hooksView{d.Platform.Mode(), views(list), secretViews(secrets)})
	}
	fmt.Fprintf(std.out, "%s on %s\n", count(len(list), "webhook"), d.Platform)
	if err := printWebhooks(std.out, views(list)); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "\n%s\n", count(len(secrets), "secret"))
	return printSecrets(std.out, secretViews(secrets))
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
		for _, fault := range v.Faults {
			fmt.Fprintf(w, "  ! %s\n", line(v.ID+" "+fault+v.remedy()))
		}
	}
	return nil
}

// line keeps what the platform says from adding lines and columns of its own.
func line(s string) string { return terminal.Line(s, 2000) }

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
	d, err := openHooks(ctx, std)
	if err != nil {
		return err
	}
	defer d.close()
	w, err := d.Find(ctx, c.ID)
	if err != nil {
		return err
	}
	v := viewOf(w)
	if c.JSON {
		return writeJSON(std.out, v)
	}
	columns := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"ID", v.ID}, {"URL", v.URL}, {"State", v.state()}, {"Whose", v.Whose}, {"Created", v.CreatedAt}, {"Events", strings.Join(v.Events, "\n\t")},
	} {
		fmt.Fprintf(columns, "%s\t%s\n", line[0], line[1])
	}
	for _, fault := range v.Faults {
		fmt.Fprintf(columns, "Fault\t%s%s\n", fault, v.remedy())
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	if len(v.Secrets) == 0 {
		fmt.Fprintf(std.out, "\nNo secret of it is kept here.\n")
		return nil
	}
	fmt.Fprintf(std.out, "\n%s\n", count(len(v.Secrets), "secret"))
	return printSecrets(std.out, v.Secrets)
}

// webhookView is a webhook as it is shown.
type webhookView struct {
	ID        string       `json:"id"`
	URL       string       `json:"url"`
	Events    []string     `json:"events"`
	Active    bool         `json:"is_active"`
	Gone      bool         `json:"gone,omitempty"` // recorded, and no longer on the platform
	CreatedAt string       `json:"created_at,omitempty"`
	Ours      bool         `json:"ours"` // registered from here
	Whose     string       `json:"whose"`
	Faults    []string     `json:"faults,omitempty"`
	Secrets   []secretView `json:"secrets,omitempty"`
}

func views(list []hooks.Webhook) []webhookView {
	shown := make([]webhookView, len(list))
	for i, w := range list {
		shown[i] = viewOf(w)
	}
	return shown
}

func viewOf(w hooks.Webhook) webhookView {
	whose := "foreign"
	switch {
	case w.Tag.Listen != "":
		whose = fmt.Sprintf("listen %q of %s until %s", w.Tag.Listen, w.Tag.Owner, clockOf(w.Tag.Lease))
	case w.Record != nil:
		whose = "ours"
	case w.Tag.Owner != "":
		whose = "foreign, of " + w.Tag.Owner
	}
	return webhookView{ID: w.ID, URL: w.URL, Events: w.Events, Active: w.Active, Gone: w.Gone, CreatedAt: w.CreatedAt,
		Ours: w.Record != nil, Whose: whose, Faults: w.Faults(), Secrets: secretViews(w.Secrets)}
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

// remedy is the command that puts a fault right, where one does.
func (v webhookView) remedy() string {
	switch {
	case v.Gone:
		return fmt.Sprintf(": `inorder hooks delete %s` forgets it, `inorder hooks register %s` registers it anew", v.ID, v.URL)
	case slices.Contains(v.Faults, "should be active"):
		return fmt.Sprintf(": `inorder hooks test %s` shows whether deliveries succeed, `inorder hooks enable %[1]s` lets it deliver", v.ID)
	}
	return ""
}

// secretView is a secret as it is shown: never itself.
type secretView struct {
	Name       string     `json:"name"`
	Source     string     `json:"source"`
	Valid      bool       `json:"valid"`
	CreatedAt  time.Time  `json:"created_at"`
	EndsAt     *time.Time `json:"ends_at"`
	VerifiedAt *time.Time `json:"last_verified_at"`
}

func secretViews(secrets []endpoints.Secret) []secretView {
	shown := make([]secretView, len(secrets))
	for i, s := range secrets {
		shown[i] = secretView{s.Name, s.Source, s.Valid(time.Now()), s.CreatedAt, s.EndsAt, s.VerifiedAt}
	}
	return shown
}

func printSecrets(w io.Writer, secrets []secretView) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range secrets {
		valid, verified := "valid without end", "has verified nothing yet"
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

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
