package activities

import (
	"time"

	"inorder"
)

// WaitPolicy is how long an event waits for its order, counted from its receipt. The workflow does not know it: what
// follows from it is in ApplyEvent's result, and so in the history, which stays replayable when a setting changes.
type WaitPolicy struct {
	Recheck    time.Duration // the first interval between two looks; they grow with the event's age, to maxRecheck
	StuckAfter time.Duration // from this age it is shown as stuck
	TTL        time.Duration // from this age it is given up, as expired
	AskAfter   time.Duration // from this age the platform is asked for the order at every look; 0 for never
}

// waitPolicy asks nobody where there is no platform to ask.
func (a *Activities) waitPolicy() WaitPolicy {
	p := a.Wait
	if a.Platform == nil {
		p.AskAfter = 0
	}
	return p
}

// asks reports whether an event of that age should ask the platform for its order.
func (p WaitPolicy) asks(age time.Duration) bool { return p.AskAfter > 0 && age >= p.AskAfter }

// maxRecheck bounds what a lost wake-up would cost. None is known to get lost.
const maxRecheck = time.Hour

// betweenLooks is the least time between two looks of all events that wait for one order. Ten thousand that came within two
// minutes would otherwise look a hundred times a second, one and two minutes later, which is all that Temporal can do.
const betweenLooks = 100 * time.Millisecond

// at says what an event of that age is while its order is missing and so many others wait for it, and when to look again:
// zero once it is expired, and never zero before, whatever the age and the settings are.
func (p WaitPolicy) at(age time.Duration, others int) (inorder.Outcome, time.Duration) {
	age = max(age, 0)
	spread := betweenLooks * time.Duration(others)
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
