// Package doctor checks an installation, and says for everything that is wrong what to do. It changes nothing. The checks of PostgreSQL, the
// secrets, our webhooks and the way from the public URL to a receiver are here; package worker checks what it put into Temporal.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Status is the result of a check.
type Status string

const (
	OK     Status = "ok"
	Note   Status = "note" // worth knowing, or not checked: nothing that must be fixed
	Failed Status = "failed"
)

// Finding is what one check found. It shows no secret.
type Finding struct {
	Check  string `json:"check"` // a name of a closed set, such as "schema"
	Status Status `json:"status"`
	Says   string `json:"says"`
	Do     string `json:"do,omitempty"` // what to do about it; never empty if it failed
}

// Well returns the finding that all is well.
func Well(check, format string, args ...any) Finding {
	return Finding{Check: check, Status: OK, Says: fmt.Sprintf(format, args...)}
}

// Noted returns a finding that is worth knowing, or that says why something was not checked. do may be empty.
func Noted(check, do, format string, args ...any) Finding {
	return Finding{Check: check, Status: Note, Says: fmt.Sprintf(format, args...), Do: do}
}

// Fails returns a finding of what must be fixed.
func Fails(check, do, format string, args ...any) Finding {
	return Finding{Check: check, Status: Failed, Says: fmt.Sprintf(format, args...), Do: do}
}

// Check is one check, of one thing or of several that are asked for together.
type Check struct {
	Name string // of the finding if the check could not be made
	// Run makes the check. An error says that it could not be made. The finding is then a note: what is away has a check of its own.
	Run func(context.Context) ([]Finding, error)
}

// Examine runs the checks of one server one after the other, each for at most within. The first finds out whether the server answers: if it
// fails, the others are not run, and a note says so for each.
func Examine(ctx context.Context, within time.Duration, answers Check, others ...Check) []Finding {
	found := run(ctx, within, answers)
	if slices.ContainsFunc(found, func(f Finding) bool { return f.Status == Failed }) {
		for _, c := range others {
			found = append(found, Noted(c.Name, "", "not checked: see %s", answers.Name))
		}
		return found
	}
	for _, c := range others {
		found = append(found, run(ctx, within, c)...)
	}
	return found
}

func run(ctx context.Context, within time.Duration, c Check) []Finding {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	found, err := c.Run(ctx)
	if err != nil {
		found = append(found, Noted(c.Name, "", "not checked: %s", oneLine(err)))
	}
	return found
}

// Together runs groups of checks at the same time, and returns their findings in the groups' order.
func Together(groups ...func() []Finding) []Finding {
	all := make([][]Finding, len(groups))
	var running sync.WaitGroup
	for i, group := range groups {
		running.Go(func() { all[i] = group() })
	}
	running.Wait()
	return slices.Concat(all...)
}

// Clock compares a server's clock with ours. at is the server's time at some moment between asked and answered.
func Clock(check string, at, asked, answered time.Time) Finding {
	half := answered.Sub(asked) / 2
	off := at.Sub(asked.Add(half))
	switch seconds := (off.Abs() - half).Seconds(); { // the time that the answer took is not the clock's fault
	case seconds >= clockFails.Seconds():
		return Fails(check, "Synchronize both machines' clocks with NTP: ages, lateness and retention are measured with them.",
			"its clock is %s this machine's", offBy(off))
	case seconds >= clockNotes.Seconds():
		return Noted(check, "Synchronize both machines' clocks with NTP.", "its clock is %s this machine's", offBy(off))
	}
	return Well(check, "its clock agrees with this machine's")
}

// From clockNotes on, a difference between clocks is noted; from clockFails on, it must be fixed.
const (
	clockNotes = time.Second
	clockFails = 30 * time.Second
)

func offBy(d time.Duration) string {
	if d < 0 {
		return fmt.Sprintf("%s behind", d.Abs().Round(100*time.Millisecond))
	}
	return fmt.Sprintf("%s ahead of", d.Round(100*time.Millisecond))
}
