package listen

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log"
	"slices"
	"strings"
	"sync"
	"time"

	"inorder/internal/store"
	"inorder/internal/terminal"
)

var quiet = log.New(io.Discard, "", 0)

const (
	// Anybody can send requests that are refused, so only the first of a kind is shown, and after this time how many more came.
	countFor = 10 * time.Second

	maxField = 200 // characters
	maxLine  = 2000
)

// printer writes whole lines. Its methods may be called concurrently.
type printer struct {
	out      io.Writer
	countFor time.Duration

	mu   sync.Mutex
	more map[refusal]int // since the first one was shown
}

func newPrinter(out io.Writer) *printer {
	return &printer{out: out, countFor: countFor, more: map[refusal]int{}}
}

// say prints exactly one line: URLs, IDs and errors of the platform cannot forge another.
func (p *printer) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "%s  %s\n", time.Now().Format(time.TimeOnly), terminal.Line(fmt.Sprintf(format, args...), maxLine))
}

// delivery prints a delivery in one line.
func (p *printer) delivery(d Delivery, receiver string) {
	if refused := (refusal{}); errors.As(d.Err, &refused) {
		p.refused(refused)
		return
	}
	answer := strings.TrimSpace(fmt.Sprintf("%d %s", d.Status, field(d.Result)))
	switch {
	case d.Err != nil && nobodyListens(d.Err):
		answer = "502: nothing listens at " + receiver + "; is `inorder serve` running?"
	case d.Err != nil:
		answer = "502: no answer from " + receiver + ": " + field(d.Err.Error())
	case d.Status == 401:
		answer = "401: the receiver does not know the secret; does it read the same DATABASE_URL?"
	}
	p.say("%-21s  %-22s  %-26s  %s  (%d ms)", cmp.Or(field(d.Type), "(no event)"), cmp.Or(field(d.OrderID), "-"), cmp.Or(field(d.EventID), "-"),
		answer, d.Took.Milliseconds())
}

// refused shows the first refusal of a kind and counts the rest, since anybody can cause them.
func (p *printer) refused(r refusal) {
	p.mu.Lock()
	_, counting := p.more[r]
	if counting {
		p.more[r]++
	} else {
		p.more[r] = 0
		time.AfterFunc(p.countFor, func() { p.total(r) })
	}
	p.mu.Unlock()
	if !counting {
		p.say("%-21s  %v", "(refused)", r)
	}
}

func (p *printer) total(r refusal) {
	p.mu.Lock()
	more := p.more[r]
	delete(p.more, r)
	p.mu.Unlock()
	if more > 0 {
		p.say("%-21s  %v  (%d more within %s)", "(refused)", r, more, p.countFor)
	}
}

func (p *printer) outcome(s store.EventState, link string) {
	words := []string{s.ID, string(s.Outcome), field(s.Detail), link}
	p.say("  └ %s", strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), "  "))
}

func field(s string) string { return terminal.Line(s, maxField) }
