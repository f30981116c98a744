package listen

import (
	"fmt"
	"io"
	"log"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

var quiet = log.New(io.Discard, "", 0)

// printer writes whole lines, from several goroutines.
type printer struct {
	mu  sync.Mutex
	out io.Writer
}

func (p *printer) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, time.Now().Format(time.TimeOnly)+"  "+format+"\n", args...)
}

// delivery is one line. The URL is public and the sender anybody, so what it sent is cleaned before a terminal sees it.
func (p *printer) delivery(d Delivery, receiver string) {
	answer := fmt.Sprintf("%d %s", d.Status, clean(d.Result))
	switch {
	case d.Err != nil && nobodyListens(d.Err):
		answer = "502: nothing listens at " + receiver + "; is `inorder serve` running?"
	case d.Err != nil:
		answer = "502: no answer from " + receiver + ": " + clean(d.Err.Error())
	case d.Status == 401:
		answer = "401: the signature is of no secret that the receiver knows; does it read the same DATABASE_URL?"
	}
	p.say("%-21s  %-22s  %-26s  %s  (%d ms)", or(clean(d.Type), "(no event)"), or(clean(d.OrderID), "-"), or(clean(d.EventID), "-"),
		strings.TrimSpace(answer), d.Took.Milliseconds())
}

func (p *printer) outcome(o Outcome, link string) {
	words := []string{o.EventID, o.Outcome, clean(o.Detail), link}
	p.say("  └ %s", strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), "  "))
}

// clean replaces what is not to be printed, and cuts what is too long for a line.
func clean(s string) string {
	runes := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if len(runes) > 200 {
		runes = append(runes[:200], '…')
	}
	for i, r := range runes {
		if !unicode.IsPrint(r) {
			runes[i] = '\uFFFD'
		}
	}
	return string(runes)
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
