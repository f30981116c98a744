package activities

import (
	"time"

	"inorder"
)

// WaitPolicy is how long an event waits for its order, counted from its receipt. The workflow does not read it: what follows
// from it is in ApplyEvent's result, and so in the history, which stays replayable when a setting changes.
//
// An event tries again when its age has doubled: by default after 1, 2, 4, 8 … minutes, and once more at AskAfter; then every
// hour. With 10,000 events waiting for one order the pauses of each are at least 1,000 seconds: together ten attempts a second.
type WaitPolicy struct {
	Recheck    time.Duration // the least pause between two attempts; pauses grow with the event's age, to maxRecheck
	StuckAfter time.Duration // from this age it is shown as stuck
	TTL        time.Duration // from this age it is given up, as expired
	AskAfter   time.Duration // from this age the platform is asked for the order at every attempt; 0 for never
}

// waitPolicy returns a.Wait; without an API key the platform is never asked.
func (a *Activities) waitPolicy() WaitPolicy {
	p := a.Wait
	if a.Platform == nil {
		p.AskAfter = 0
	}
	return p
}

// asks reports whether an event of that age should ask the platform for its order.
func (p WaitPolicy) asks(age time.Duration) bool { return p.AskAfter > 0 && age >= p.AskAfter }

// maxRecheck is the longest pause, unless Recheck is longer. It bounds what a lost wake-up would cost; none is known to get lost.
const maxRecheck = time.Hour

// betweenAttempts is the least time between two attempts, on average, of all events that wait for one order. Ten thousand that
// came within two minutes would otherwise try a hundred times a second soon after, which is all that Temporal can do.
const betweenAttempts = 100 * time.Millisecond

// at returns what an event of that age is while its order is missing and so many others wait for it, and the pause before the
// next attempt: zero once it is expired, and never zero before, whatever the age and the settings are. The pause ends at the
// latest when the outcome changes.
func (p WaitPolicy) at(age time.Duration, others int) (inorder.Outcome, time.Duration) {
	age = max(age, 0)
	spread := betweenAttempts * time.Duration(others)
	next := min(max(p.Recheck, age, spread, time.Millisecond), max(p.Recheck, maxRecheck))
	if p.AskAfter > age {
		next = min(next, max(p.AskAfter-age, spread))
	}
	switch {
	case age >= p.TTL:
		return inorder.Expired, 0
	case age >= p.StuckAfter:
		return inorder.Stuck, min(next, p.TTL-age)
	}
	return inorder.Waiting, min(next, p.StuckAfter-age, p.TTL-age)
}
