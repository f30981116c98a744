package activities

import (
	"time"

	"inorder"
)

// WaitPolicy is how long an event waits for its order, counted from its receipt. The workflow doesn't read it: ApplyEvent's
// result carries what follows from it, so that the history can be replayed after a setting changes.
//
// An event is tried again when its age has doubled: by default after 1, 2, 4, 8 … minutes, and once more at AskAfter; then every
// hour. With 10,000 events waiting for one order, each pauses for at least 1,000 seconds: together ten attempts a second.
type WaitPolicy struct {
	Recheck    time.Duration // the shortest pause between two attempts; pauses grow with the event's age, up to maxRecheck
	StuckAfter time.Duration // from this age on, the event is shown as stuck
	TTL        time.Duration // from this age on, the event is given up as expired
	AskAfter   time.Duration // from this age on, the platform is asked for the order at every attempt; 0 for never
}

// waitPolicy returns a.Wait, without AskAfter if there is no API key to ask the platform with.
func (a *Activities) waitPolicy() WaitPolicy {
	p := a.Wait
	if a.Platform == nil {
		p.AskAfter = 0
	}
	return p
}

// asks reports whether an event of that age should ask the platform for its order.
func (p WaitPolicy) asks(age time.Duration) bool { return p.AskAfter > 0 && age >= p.AskAfter }

// maxRecheck is the longest pause, unless Recheck is longer. It bounds the cost of a lost wake-up; no way to lose one is known.
const maxRecheck = time.Hour

// betweenAttempts is the shortest average time between two attempts of all events that wait for one order. Otherwise, ten thousand
// that came within two minutes would soon make a hundred attempts a second, which is all that Temporal can do.
const betweenAttempts = 100 * time.Millisecond

// at returns the outcome of an event of that age whose order is missing while others wait for it, too, and the pause before the
// next attempt. The pause is zero once the event has expired, and never zero before, whatever the age and the settings are. It
// ends at the latest when the outcome changes.
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
