package webhooks

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"inorder/internal/platform"
)

const (
	// settling is how long a webhook may be inactive after it was recorded: it is activated once all receivers have its secret.
	settling = 30 * time.Second

	// WatchdogOwner is the owner in the metadata of webhooks that a repair created, on any worker.
	WatchdogOwner = "inorder watchdog"
)

// Check is the result of a watchdog's check.
type Check struct {
	CheckedAt time.Time `json:"checked_at,omitzero"` // zero if the platform was not asked
	Checked   int       `json:"checked"`             // how many webhooks should be as we registered them
	Faults    []Fault   `json:"problems,omitempty"`
	Note      string    `json:"note,omitempty"` // why nothing was checked
}

// Open returns the faults that are still there.
func (c Check) Open() []Fault {
	return slices.DeleteFunc(slices.Clone(c.Faults), func(f Fault) bool { return f.Repaired != "" })
}

// Watchdog compares our records with the webhooks at the platform.
type Watchdog struct {
	Registrar
	Repair  bool // whether it also repairs differences
	Metrics *Metrics
	Log     *slog.Logger
}

// Check compares every lasting, active webhook that is recorded with what the platform has. It never touches a webhook that is
// not recorded.
//
// Faults are a result, not an error, even if the platform refuses the key. An error means that the platform or PostgreSQL could
// not be asked. Check may run twice: the second run finds what the first one repaired, and continues a repair that was cut off.
func (w Watchdog) Check(ctx context.Context) (Check, error) {
	check := Check{}
	w.Metrics.begin()
	watched, err := w.Store.List(ctx)
	if err != nil {
		return check, err
	}
	watched = slices.DeleteFunc(watched, func(r Record) bool { return r.Owner != "" || !r.IsActive })
	check.Checked = len(watched)
	if len(watched) == 0 {
		check.Note = "nothing was checked: no webhook is registered from here. `inorder hooks register URL` registers one"
	}
	for _, record := range watched {
		faults, err := w.faults(ctx, record)
		if platform.IsUnauthorized(err) {
			check.Faults = append(check.Faults, Fault{Kind: faultNoAccess, Text: err.Error()})
			break
		}
		if err != nil {
			return check, err
		}
		if w.Repair {
			w.repair(ctx, record, faults)
		}
		check.Faults = append(check.Faults, faults...)
	}
	check.CheckedAt = time.Now().UTC()
	w.report(check)
	w.Metrics.set(check, watched)
	return check, nil
}

// faults returns how one webhook at the platform differs from its record. A lasting refusal is a fault, so that the other
// webhooks are still checked; the next check asks again.
func (w Watchdog) faults(ctx context.Context, record Record) ([]Fault, error) {
	if record.Mode != w.Platform.Mode() {
		return []Fault{{Webhook: record.ID, Kind: faultOtherMode, Text: fmt.Sprintf("registered in %s mode, and HEADLESS_COMMERCE_API_KEY is a %s-mode key, "+
			"which cannot see it", record.Mode, w.Platform.Mode())}}, nil
	}
	at, err := w.Platform.GetWebhook(ctx, record.ID)
	is := Webhook{ID: record.ID, URL: at.URL, Events: at.Events, Active: at.IsActive, Gone: platform.IsNotFound(err), Record: &record}
	switch {
	case err == nil, is.Gone:
	case platform.IsLasting(err):
		is.Unreadable = err.Error()
	default:
		return nil, err
	}
	settles := time.Since(record.RegisteredAt) <= settling
	return slices.DeleteFunc(is.Faults(), func(f Fault) bool { return settles && f.Kind == faultInactive }), nil
}

// repair repairs a webhook and notes in each fault what was done, or why that failed. The next check tries again.
func (w Watchdog) repair(ctx context.Context, record Record, faults []Fault) {
	if len(faults) == 0 || !slices.Contains(repairable, faults[0].Kind) {
		return
	}
	done, err := "", error(nil)
	if faults[0].Kind == faultMissing { // a rotation may be cut off anywhere and run again
		var made Record
		made, err = w.Rotate(ctx, record.ID, Rotation{Keep: DefaultKeep, Gone: true})
		done = "replaced by " + made.ID
	} else {
		done, err = "set back to what was registered", w.setBack(ctx, record, faults)
	}
	for i := range faults {
		if err != nil {
			faults[i].Text += "; repairing it failed: " + err.Error()
			continue
		}
		faults[i].Repaired = done
		w.Metrics.repairs.WithLabelValues(faults[i].Kind).Inc()
	}
}

// setBack restores the registered values of what differs.
func (w Watchdog) setBack(ctx context.Context, record Record, faults []Fault) error {
	var u platform.WebhookUpdate
	for _, f := range faults {
		switch f.Kind {
		case faultInactive:
			u.IsActive = &record.IsActive
		case faultURL:
			u.URL = &record.URL
		case faultEvents:
			u.Events = record.Events
		}
	}
	_, err := w.Platform.UpdateWebhook(ctx, record.ID, u)
	return err
}

func (w Watchdog) report(check Check) {
	for _, f := range check.Faults {
		attributes := []any{"webhook", f.Webhook, "problem", f.Kind, "detail", f.Text}
		if f.Repaired == "" {
			w.Log.Error("a webhook at the platform differs from what was registered", attributes...)
		} else {
			w.Log.Warn("a webhook at the platform differed from what was registered, and is repaired", append(attributes, "repaired", f.Repaired)...)
		}
	}
}
