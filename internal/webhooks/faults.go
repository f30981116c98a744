package webhooks

import (
	"fmt"
	"slices"
	"strings"
)

// The kinds of faults. They are the values of the metrics' label "problem".
const (
	faultMissing    = "missing"    // the platform does not have it
	faultInactive   = "inactive"   // the platform delivers nothing to it
	faultActive     = "active"     // the platform delivers to it, though it was disabled here
	faultURL        = "url"        // it delivers elsewhere
	faultEvents     = "events"     // it delivers other events
	faultUnreadable = "unreadable" // the platform refuses to show it, or shows it in another form than documented
	faultOtherMode  = "other_mode" // the key is of the other mode, so it can't be seen
	faultNoAccess   = "no_access"  // the platform does not accept the key; this concerns all webhooks, not one
)

// Fault is one difference between a webhook and what we registered.
type Fault struct {
	Webhook  string `json:"endpoint,omitempty"` // its ID; empty for a fault of all webhooks
	Kind     string `json:"problem"`
	Text     string `json:"detail"`
	Repaired string `json:"repaired,omitempty"` // what the watchdog did about it; empty if it is still there
}

// Faults returns how the webhook differs from our record of it. If the webhook can't be read, that is its only fault.
func (w Webhook) Faults() (faults []Fault) {
	add := func(kind, format string, args ...any) {
		faults = append(faults, Fault{Webhook: w.ID, Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	switch record := w.Record; {
	case w.Unreadable != "":
		add(faultUnreadable, "cannot be read from the platform's answer: %s", w.Unreadable)
	case record == nil:
	case w.Gone:
		add(faultMissing, "deleted on the platform by somebody else")
	default:
		switch {
		case record.IsActive && !w.Active:
			add(faultInactive, "should be active")
		case w.Active && !record.IsActive:
			add(faultActive, "should not be active")
		}
		if w.URL != record.URL {
			add(faultURL, "delivers to %s instead of %s", w.URL, record.URL)
		}
		if !sameEvents(w.Events, record.Events) {
			add(faultEvents, "delivers %s instead of %s", strings.Join(w.Events, " "), strings.Join(record.Events, " "))
		}
	}
	return faults
}

// Remedy returns what a person can do about a fault, "" if nothing is known.
func (w Webhook) Remedy(f Fault) string {
	switch f.Kind {
	case faultMissing:
		return fmt.Sprintf("`inorder hooks delete %s` forgets it, `inorder hooks register %s` registers it again", w.ID, w.URL)
	case faultInactive:
		return fmt.Sprintf("`inorder hooks test %s` shows whether deliveries succeed, `inorder hooks enable %[1]s` lets it deliver", w.ID)
	}
	return ""
}

// sameEvents compares sets: order and repetition don't count.
func sameEvents(a, b []string) bool { return len(without(a, b)) == 0 && len(without(b, a)) == 0 }

// without returns the elements of all that are not in these.
func without(all, these []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(e string) bool { return slices.Contains(these, e) })
}
