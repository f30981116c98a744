// Package doctor checks an installation, and says of everything that is wrong what to do. It changes nothing. What it checks of PostgreSQL, of the
// secrets and of a receiver behind its public URL is here; package worker checks what it put into Temporal.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Status is what became of a check.
type Status string

const (
	OK     Status = "ok"
	Note   Status = "note" // worth knowing, or not checked: nothing that has to be put right
	Failed Status = "failed"
)

// Finding is what one check found. It shows no secret.
type Finding struct {
	Check  string `json:"check"` // a name of a closed set, such as "schema"
	Status Status `json:"status"`
	Says   string `json:"says"`
	Do     string `json:"do,omitempty"` // what to do about it; never empty if it failed
}

// Well is a finding that all is well.
func Well(check, format string, args ...any) Finding {
	return Finding{Check: check, Status: OK, Says: fmt.Sprintf(format, args...)}
}

// Noted is a finding that has to be known, or that says why something was not checked. do may be empty.
func Noted(check, do, format string, args ...any) Finding {
	return Finding{Check: check, Status: Note, Says: fmt.Sprintf(format, args...), Do: do}
}

// Fails is a finding of what must be put right.
func Fails(check, do, format string, args ...any) Finding {
	return Finding{Check: check, Status: Failed, Says: fmt.Sprintf(format, args...), Do: do}
}

// Check is one check, of one thing or of several that are asked for together.
type Check struct {
	Name string // of the findings, as far as the check says nothing else
	// Run asks. Its error says that it could not be asked: the finding is then a note, because what is away has a check of its own.
	Run func(context.Context) ([]Finding, error)
}

// Examine runs the checks of one server, one after the other and each for at most within, and then those that need it. If the first, which
// finds out whether the server answers, fails, the others are not run.
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
	switch seconds := (off.Abs() - half).Seconds(); { // what the way may have taken is not its clock's fault
	case seconds >= clockFails.Seconds():
		return Fails(check, "Have both machines set their clocks by NTP: ages, lateness and retention are measured by them.",
			"its clock is %s this machine's", offBy(off))
	case seconds >= clockNotes.Seconds():
		return Noted(check, "Have both machines set their clocks by NTP.", "its clock is %s this machine's", offBy(off))
	}
	return Well(check, "its clock agrees with this machine's")
}

// From when on a clock's difference is told, and from when on it must be mended.
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
