package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"inorder/internal/terminal"
	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
)

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

	is webhooks.Webhook
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
	v := webhookView{ID: w.ID, URL: w.URL, Events: w.Events, Active: w.Active, Gone: w.Gone, CreatedAt: w.CreatedAt,
		Ours: w.Record != nil, Whose: whose, Secrets: secretViews(w.Secrets), is: w}
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
	for _, f := range v.is.Faults() {
		text := f.Text
		if remedy := v.is.Remedy(f); remedy != "" {
			text += ": " + remedy
		}
		texts = append(texts, text)
	}
	return texts
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

// line keeps what the platform says from adding lines and columns of its own.
func line(s string) string { return terminal.Line(s, 2000) }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
