package browser

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

const (
	limit  = 3 * time.Minute  // of a test: alone on a machine none takes a fifth of it
	stalls = 15 * time.Second // how long one command to the browser may take
)

// until polls until something holds. again is done when that takes long, each time later than before: on a busy machine, what is
// begun anew just before its end would never end. nil is for what comes by itself. The test fails at its limit.
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

// eventually waits for what comes by itself.
func (s *system) eventually(what string, holds func() bool) {
	s.Helper()
	s.until(what, holds, nil)
}

// shows is until for what the page shows once it is loaded anew.
func (p *page) shows(what string, holds func() bool) {
	p.Helper()
	p.until(what, holds, func() { p.try(chromedp.Reload()) })
}

// sees waits for an element, and loads the page anew when that takes long.
func (p *page) sees(selector, text string) {
	p.Helper()
	p.shows(fmt.Sprintf("%s %q is shown", selector, text), p.has(selector, text))
}

// has returns a condition: an element is shown.
func (p *page) has(selector, text string) func() bool {
	return func() bool { return evaluate[bool](p, "!!"+visible(selector, text)) }
}

// path returns a condition on the path of the page.
func (p *page) path(condition string) func() bool {
	return func() bool { return evaluate[bool](p, "location.pathname."+condition) }
}

// try gives the browser a command. One that it does not do in time is no failure: whoever waits for its effect does it again.
func (p *page) try(step chromedp.Action[chromedp.Void]) {
	ctx, cancel := context.WithTimeout(p.ctx, stalls)
	defer cancel()
	if err := chromedp.Do(ctx, step); err != nil {
		p.Logf("the browser: %v", err)
	}
}

// evaluate returns what an expression of JavaScript is; the zero value while it fails, as it does while a page changes.
func evaluate[T any](p *page, expression string) T {
	ctx, cancel := context.WithTimeout(p.ctx, stalls)
	defer cancel()
	value, _ := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	return value
}
