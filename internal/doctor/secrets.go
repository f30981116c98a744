package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"inorder/internal/webhooks"
	"inorder/internal/webhooks/secrets"
	"inorder/internal/words"
)

// endsSoon is how long before its end a secret is reported, if no other takes its place.
const endsSoon = 7 * 24 * time.Hour

// Secrets checks the secrets of this environment, which should be the receiver's. known are all of them, also those that have ended. table says
// which secrets receivers have verified with; it is nil without a database.
func Secrets(known []secrets.Known, table *secrets.Table, now time.Time) Check {
	return Check{"secrets", func(ctx context.Context) ([]Finding, error) {
		verified := map[string]time.Time{}
		if table != nil {
			list, err := table.List(ctx)
			if err != nil {
				return nil, err
			}
			for _, s := range list {
				if s.VerifiedAt != nil {
					verified[s.Name] = *s.VerifiedAt
				}
			}
		}
		return secretFindings(known, verified, now), nil
	}}
}

func secretFindings(known []secrets.Known, verified map[string]time.Time, now time.Time) (found []Finding) {
	const do = "`inorder hooks register` creates one with a webhook; an existing one goes into WEBHOOK_SECRETS or WEBHOOK_SECRETS_FILE."
	var valid []string
	var lasting bool
	var last time.Time
	var ending secrets.Known
	for _, k := range known {
		if !k.Ends.IsZero() && !now.Before(k.Ends) {
			continue
		}
		valid = append(valid, k.Name)
		lasting = lasting || k.Ends.IsZero() || k.Ends.Sub(now) > endsSoon
		if k.Ends.After(ending.Ends) {
			ending = k
		}
		if at := verified[k.Name]; at.After(last) {
			last = at
		}
	}
	switch {
	case len(valid) == 0:
		return []Finding{Fails("secrets", do, "none is valid in this environment: a receiver that has no other refuses every delivery")}
	case !lasting:
		return []Finding{Fails("secrets", "`inorder hooks rotate` creates a successor.", "the last one, %s, ends %s, and no other takes its place", ending.Name, words.Ago(ending.Ends, now))}
	case last.IsZero():
		return []Finding{Noted("secrets", "`inorder hooks test` sends a delivery; `inorder doctor --public-url` tests the route to the receiver.",
			"valid: %s; none has verified a delivery yet, as far as PostgreSQL knows", strings.Join(valid, ", "))}
	}
	return []Finding{Well("secrets", "valid: %s; one verified a delivery %s", strings.Join(valid, ", "), words.Ago(last, now))}
}

// recordsWithin is how long PostgreSQL may take to say which webhooks are ours; the rest of the time is the platform's.
const recordsWithin = 5 * time.Second

// Webhooks checks that the platform delivers to us: that our webhooks are there, active and as registered.
func Webhooks(r webhooks.Registrar) Check {
	return Check{"webhooks", func(ctx context.Context) ([]Finding, error) {
		if err := readRecords(ctx, r.Store); err != nil { // PostgreSQL is at fault, and not the platform
			return nil, err
		}
		list, err := r.List(ctx)
		if err != nil {
			return []Finding{Fails("webhooks", "Check HEADLESS_COMMERCE_API_KEY and HEADLESS_COMMERCE_API_URL, and whether the platform can be reached.", "%s", oneLine(err))}, nil
		}
		return webhookFindings(list), nil
	}}
}

func readRecords(ctx context.Context, s webhooks.Store) error {
	ctx, cancel := context.WithTimeout(ctx, recordsWithin)
	defer cancel()
	_, err := s.List(ctx)
	return err
}

func webhookFindings(list []webhooks.Webhook) (found []Finding) {
	ours := 0
	for _, w := range list {
		if w.Record == nil {
			continue
		}
		ours++
		for _, f := range w.Faults() {
			do := w.Remedy(f)
			if do == "" {
				do = fmt.Sprintf("`inorder hooks update %s` corrects it; `inorder hooks list` shows all.", w.ID)
			}
			found = append(found, Fails("webhooks", do, "%s %s", w.ID, f.Text))
		}
	}
	switch {
	case ours == 0 && len(list) > 0:
		return append(found, Noted("webhooks", "`inorder hooks register URL` registers one, so that it can be watched and its secret rotated.",
			"%s at the platform, and none was registered from here", words.Count(len(list), "webhook")))
	case ours == 0:
		return append(found, Fails("webhooks", "`inorder hooks register URL` registers one.", "the platform has none: it delivers nothing"))
	case found == nil:
		return append(found, Well("webhooks", "%s at the platform, active and as registered", words.Count(ours, "webhook")))
	}
	return found
}
