package browser

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

const (
	limit  = 3 * time.Minute  // time for one test: on an idle machine none takes a fifth of it
	stalls = 15 * time.Second // time for one command to the browser
)

// until polls until holds returns true, and fails the test at its limit. If that takes long, it calls again (if not nil), after longer
// and longer intervals: on a busy machine, an action that is restarted just before it finishes would never finish.
func (s *system) until(what string, holds func() bool, again func()) {
	s.Helper()
	spell := 2 * time.Second
	next := time.Now().Add(spell)
	for !holds() {
		if time.Now().After(s.end) {
			require.FailNow(s, "The test's time is over", "until %s", what)
		}
		if again != nil && time.Now().After(next) {
			again()
			spell += spell / 2
			next = time.Now().Add(spell)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// eventually is until without a repeated action.
func (s *system) eventually(what string, holds func() bool) {
	s.Helper()
	s.until(what, holds, nil)
}

// shows is until for the content of the page, which it reloads when that takes long.
func (p *page) shows(what string, holds func() bool) {
	p.Helper()
	p.until(what, holds, func() { p.try(chromedp.Reload()) })
}

// sees waits for a visible element, and reloads the page when that takes long.
func (p *page) sees(selector, text string) {
	p.Helper()
	p.shows(fmt.Sprintf("%s %q is shown", selector, text), p.has(selector, text))
}

// has returns the condition that an element is visible.
func (p *page) has(selector, text string) func() bool {
	return func() bool { return evaluate[bool](p, "!!"+visible(selector, text)) }
}

// path returns the condition that a JavaScript method call on the page's path is true.
func (p *page) path(condition string) func() bool {
	return func() bool { return evaluate[bool](p, "location.pathname."+condition) }
}

// try sends a command to the browser. A timeout does not fail the test: whoever waits for the effect tries again.
func (p *page) try(step chromedp.Action[chromedp.Void]) {
	ctx, cancel := context.WithTimeout(p.ctx, stalls)
	defer cancel()
	if err := chromedp.Do(ctx, step); err != nil {
		p.Logf("the browser: %v", err)
	}
}

// evaluate returns the value of a JavaScript expression, or the zero value if it fails, as it may while a page changes.
func evaluate[T any](p *page, expression string) T {
	ctx, cancel := context.WithTimeout(p.ctx, stalls)
	defer cancel()
	value, _ := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	return value
}
