// Package retention checks the settings that say how long things are kept, and says why they must fit together. It is
// pure: it checks durations, and deletes nothing. docs/operations.md tells the same to operators.
package retention

import (
	"fmt"
	"strings"
	"time"
)

// Settings are the settings that depend on one another. A zero was malformed, and is not checked; only Audit may be zero.
type Settings struct {
	Events      time.Duration // EVENT_RETENTION: rows of webhook_events, since the event's end
	Payloads    time.Duration // PAYLOAD_RETENTION: their payloads, since the event's end
	Refused     time.Duration // REFUSED_RETENTION: rows of refused_deliveries. Nothing depends on it
	Audit       time.Duration // AUDIT_RETENTION: rows of audit_log; zero for ever
	Redelivery  time.Duration // REDELIVERY_HORIZON: how late the platform may deliver an event again, since its first delivery
	PendingTTL  time.Duration // PENDING_TTL: how long an event waits, since its receipt
	StuckAfter  time.Duration // STUCK_AFTER
	AskAfter    time.Duration // RECONCILE_AFTER: from this age a waiting event asks the platform for its order
	CompareOver time.Duration // RECONCILE_WINDOW: how long a closed order is compared with the platform's, since its creation
	CompareEach time.Duration // RECONCILE_EVERY
}

// Slack is how much longer than EVENT_RETENTION a purge keeps a row. A caller may conclude from an event's age that its row must still be there, such
// as a sweep that found none and is about to start the event. It has this long to act, and the clocks of different machines may differ by as much.
const Slack = time.Hour

// OpenBulk is how much longer than EVENT_RETENTION a bulk action is kept if nobody ended it. The audit has what it
// did, so that it does nothing twice.
const OpenBulk = 30 * 24 * time.Hour

// LeastAudit is the age below which the database refuses to delete a row of the audit, whatever the settings are: migration 0012.
const LeastAudit = 30 * 24 * time.Hour

// Problem is a setting that breaks a promise together with the others.
type Problem struct {
	Setting string
	Text    string        // what is wrong, what would happen, and what to do
	Right   time.Duration // a value of Setting that would be right
}

// inequality is one promise, which must hold. left is the value of setting, right that of other.
type inequality struct {
	setting, other string
	left, right    time.Duration
	holds          bool
	says           string // is not … : what would happen
	advice         string // raise it to …
	to             time.Duration
}

func (s Settings) inequalities() []inequality {
	audit := s.Events + OpenBulk
	return []inequality{{
		// Only the row keeps an event that comes again from a second effect: Temporal forgets its workflow earlier. The row
		// is written when the event ends, so never before its first delivery, from which the horizon counts.
		setting: "EVENT_RETENTION", left: s.Events, other: "REDELIVERY_HORIZON", right: s.Redelivery, holds: s.Events >= s.Redelivery,
		says:   "is shorter than %s: an event that is delivered again after its row was purged would be applied a second time, so replay attacks would be possible",
		advice: "raise it to %s or more", to: s.Redelivery,
	}, {
		// A sweep leaves an event alone that was received and last tried longer ago than EVENT_RETENTION. Such an event must be due to expire.
		setting: "PENDING_TTL", left: s.PendingTTL, other: "EVENT_RETENTION", right: s.Events, holds: s.PendingTTL <= s.Events,
		says:   "is longer than %s: a waiting event that loses its workflow, and that no sweep reaches for that long after its last attempt, would be left alone before it is due to expire",
		advice: "lower it to %s or less, or raise EVENT_RETENTION", to: s.Events,
	}, {
		setting: "STUCK_AFTER", left: s.StuckAfter, other: "PENDING_TTL", right: s.PendingTTL, holds: s.StuckAfter < s.PendingTTL,
		says:   "is not shorter than %s: a waiting event would be given up before anybody sees that it is stuck",
		advice: "lower it, for example to %s", to: s.PendingTTL / 2,
	}, {
		// An event that would ask for its order only when it is given up never asks.
		setting: "RECONCILE_AFTER", left: s.AskAfter, other: "PENDING_TTL", right: s.PendingTTL, holds: s.AskAfter < s.PendingTTL,
		says:   "is not shorter than %s: a waiting event would be given up before the platform is asked for its order",
		advice: "lower it, for example to %s", to: min(s.PendingTTL/2, 10*time.Minute),
	}, {
		// A payload is a part of its row.
		setting: "PAYLOAD_RETENTION", left: s.Payloads, other: "EVENT_RETENTION", right: s.Events, holds: s.Payloads <= s.Events,
		says:   "is longer than %s, after which the whole row is deleted, so the payload would not be kept that long",
		advice: "lower it to %s or less, or raise EVENT_RETENTION", to: s.Events,
	}, {
		// The audit keeps an act from being done twice, and says how an event had ended before it was replayed.
		setting: "AUDIT_RETENTION", left: s.Audit, other: "EVENT_RETENTION", right: s.Events, holds: s.Audit >= audit,
		says: "is shorter than %s plus the 720h for which a bulk action that nobody ended is kept: the record of what it did could be " +
			"deleted before the bulk action itself, which could then do it again",
		advice: "raise it to %s or more, or set it to 0, which keeps the audit for ever", to: audit,
	}}
}

// Check returns every setting that breaks a promise. A program must not run with any of them.
func (s Settings) Check() (problems []Problem) {
	for _, i := range s.inequalities() {
		if i.holds || i.left <= 0 || i.right <= 0 {
			continue
		}
		other := fmt.Sprintf("%s, %s,", i.other, Short(i.right))
		text := fmt.Sprintf("%s "+i.says+"; "+i.advice, Short(i.left), other, Short(i.to))
		problems = append(problems, Problem{Setting: i.setting, Text: strings.NewReplacer(",:", ":", ",,", ",").Replace(text), Right: i.to})
	}
	return problems
}

// Short returns the duration without the zero minutes and seconds that Duration.String appends.
func Short(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = strings.TrimSuffix(s, zero[1:])
		}
	}
	return s
}
