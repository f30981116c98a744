package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"inorder/internal/config"
	"inorder/internal/doctor"
	"inorder/internal/terminal"
	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
	"inorder/worker"
)

type doctorCmd struct {
	Delivery    string   `arg:"" optional:"" help:"Explain this refused delivery: its number in inorder refused list, or a file that holds it." placeholder:"DELIVERY"`
	PublicURL   string   `name:"public-url" help:"Also send test deliveries from here to this URL: the one that the platform delivers to." placeholder:"URL"`
	Header      []string `sep:"none" help:"The file holds the body alone, and this was one of its headers." placeholder:"'NAME: VALUE'"`
	Signature   string   `help:"The file holds the body alone, and this was its X-Webhook-Signature." placeholder:"HEX"`
	SecretsFile *string  `name:"secrets-file" help:"Also try the secrets in this file, which receivers do not have: one a line, as in WEBHOOK_SECRETS_FILE; - is standard input." placeholder:"PATH"`
	JSON        bool     `name:"json" help:"Print one JSON document."`
}

func (*doctorCmd) Help() string {
	return `Checks the whole installation, and says what to do about everything that is wrong. It checks PostgreSQL (encoding, schema, indexes, privileges, durability
and disk), Temporal (the namespace's owner, its retention against the settings, search attributes, schedules and workers), the clocks of both, the secrets
and, with HEADLESS_COMMERCE_API_KEY, our webhooks at the platform. It asks the servers itself, so nothing else needs to run, and it changes nothing. Run it
with the settings of the programs that you want to check.

With --public-url it also tries the way of a delivery: whether what stands in front of the receiver, such as nginx, passes on bodies of MAX_BODY_BYTES, byte
for byte. For that it posts a few deliveries that are not events, signed with the first of WEBHOOK_SECRETS. The receiver refuses them.

With DELIVERY it explains why that delivery was refused, by trying secrets, forms of the signature and of the body. A file holds the delivery as it was sent:
header lines, an empty line, the body; or the body alone, with --signature or --header. The secrets of these settings are tried, including those that have
ended. With --secrets-file, secrets that the receivers do not have are tried, too, such as those of another installation or of a webhook created by hand.

It exits with 0 unless a check fails; notes do not count.

Needs DATABASE_URL, except for a delivery in a file. Reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (and the other TEMPORAL_* names), TASK_QUEUE, WEBHOOK_SECRETS, WEBHOOK_SECRETS_FILE,
HEADLESS_COMMERCE_API_KEY, HEADLESS_COMMERCE_API_URL, MAX_BODY_BYTES, RECONCILE_EVERY, and the retentions, which end in _RETENTION or _HORIZON.

Examples:

    inorder doctor
    inorder doctor --public-url https://hooks.example.com --json | jq '.checks[] | select(.status == "failed")'
    inorder doctor 17
    inorder doctor body.json --signature 5f3c…
    inorder doctor delivery.http --secrets-file staging-secrets`
}

func (c *doctorCmd) Validate() error {
	if err := c.validateSecretsFile(); err != nil {
		return err
	}
	bodyAlone := c.Signature != "" || len(c.Header) > 0
	switch {
	case c.Delivery == "" && bodyAlone:
		return errors.New("--signature and --header are for a delivery in a file: give its path")
	case c.Delivery != "" && c.PublicURL != "":
		return errors.New("--public-url checks the whole installation, and a delivery is explained alone: give one of them")
	case bodyAlone && isNumber(c.Delivery):
		return errors.New("--signature and --header are for a delivery in a file; a number is a kept delivery (./17 is a file)")
	case c.PublicURL != "":
		if _, err := webhooks.CheckURL(c.PublicURL); err != nil {
			return fmt.Errorf("--public-url: %w", err)
		}
	}
	_, err := headersOf(c.Header, c.Signature)
	return err
}

func (c *doctorCmd) Run(ctx context.Context, std streams) error {
	switch {
	case isNumber(c.Delivery):
		return c.explainKept(ctx, std)
	case c.Delivery != "":
		return c.explainFile(ctx, std)
	}
	return withClients(ctx, config.NeedDatabase, func(s *servers) error { return c.examine(ctx, std, s) })
}

// checkWithin is how long a check may take.
const checkWithin = 10 * time.Second

func (c *doctorCmd) examine(ctx context.Context, std streams, s *servers) error {
	groups := []func() []doctor.Finding{
		func() []doctor.Finding {
			return doctor.Postgres{Pool: s.pool, Retention: s.Retention(), Within: checkWithin}.Examine(ctx)
		},
		func() []doctor.Finding { return worker.Examine(ctx, s.worker(), s.Temporal.HostPort, checkWithin) },
		func() []doctor.Finding { return s.examineSecrets(ctx) },
		func() []doctor.Finding { return s.examineWebhooks(ctx) },
	}
	if c.PublicURL != "" {
		p := doctor.Public{URL: c.PublicURL, MaxBodyBytes: s.MaxBodyBytes, Within: 3 * checkWithin}
		if len(s.WebhookSecrets) > 0 {
			p.Secret = s.WebhookSecrets[0]
		}
		groups = append(groups, func() []doctor.Finding { return p.Examine(ctx) })
	}
	if std.screen != nil {
		fmt.Fprintln(std.err, "asking PostgreSQL, Temporal and the platform …")
	}
	found := doctor.Together(groups...)
	failed := len(slices.DeleteFunc(slices.Clone(found), func(f doctor.Finding) bool { return f.Status != doctor.Failed }))
	if c.JSON {
		if err := writeJSON(std.out, doctorView{found, failed}); err != nil {
			return err
		}
	} else {
		writeFindings(std.screen, found)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(found))
	}
	return nil
}

// doctorView is what --json prints.
type doctorView struct {
	Checks []doctor.Finding `json:"checks"`
	Failed int              `json:"failed"`
}

func (s *servers) examineSecrets(ctx context.Context) []doctor.Finding {
	ring, err := s.keyring(ctx)
	if err != nil {
		return []doctor.Finding{doctor.Fails("secrets", "Correct the file that WEBHOOK_SECRETS_FILE names; see docs/settings.md.", "%v", err)}
	}
	known, _ := ring.Known() // the check reads the table itself, and says if it can't
	return doctor.Examine(ctx, checkWithin, doctor.Secrets(known, &secrets.Table{Pool: s.reserved}, time.Now()))
}

func (s *servers) examineWebhooks(ctx context.Context) []doctor.Finding {
	if s.platform == nil {
		return []doctor.Finding{doctor.Noted("webhooks", "Set HEADLESS_COMMERCE_API_KEY, so that orders that differ because of lost webhooks are found and repaired.", "not checked: there is no key for the platform")}
	}
	r := webhooks.Registrar{Platform: s.platform, Store: webhooks.Store{Pool: s.reserved}, Say: func(string, ...any) {}}
	return doctor.Examine(ctx, 3*checkWithin, doctor.Webhooks(r))
}

// marks are how findings are shown.
var marks = map[doctor.Status]struct {
	text  string
	style terminal.Style
}{doctor.OK: {"ok", terminal.Green}, doctor.Note: {"note", terminal.Yellow}, doctor.Failed: {"FAILED", terminal.Red}}

func writeFindings(to *terminal.Writer, found []doctor.Finding) {
	for _, f := range found {
		m := marks[f.Status]
		mark := fmt.Sprintf("%-6s", m.text)
		to.Paint(m.style, mark)
		title := mark + fmt.Sprintf("  %-18s  ", f.Check)
		fmt.Fprintln(to, strings.TrimPrefix(broken(title, line(f.Says), len(title), to.Width()), mark))
		if f.Do != "" {
			writeParagraph(to, fmt.Sprintf("%28s", "→ "), line(f.Do))
		}
	}
}
