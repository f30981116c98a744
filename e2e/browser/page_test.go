package browser

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var pictures = flag.String("pictures", "", "a directory to take the README's pictures into")

// The window size for which the texts of the current details are written.
const width, height = 1280, 850

// page is a tab of a headless Chromium.
type page struct {
	*system
	ctx context.Context
}

// page starts a browser of its own, because a tab of a shared browser does not get the keyboard.
func (s *system) page() *page {
	s.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.WindowSize(width, height))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	s.Cleanup(stop)
	ctx, closePage := chromedp.NewContext(allocator)
	s.Cleanup(closePage)
	p := &page{s, ctx}
	err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height))
	require.NoError(s, err, "these tests need Chromium or Chrome: apt-get install chromium")
	s.Cleanup(func() {
		if s.Failed() {
			s.Logf("the page is in %s", p.picture(filepath.Join(os.TempDir(), s.Name()+".png")))
		}
	})
	return p
}

// open opens a path of Temporal's UI below the test's namespace.
func (p *page) open(path string) {
	p.try(chromedp.Navigate(servers.TemporalUIURL + "/namespaces/" + p.namespace + path))
}

// list opens the list of the workflows that match a query.
func (p *page) list(query string) { p.open("/workflows?query=" + url.QueryEscape(query)) }

// visible returns a JavaScript expression for the first visible element that matches a selector and whose first line is text; "" is any.
func visible(selector, text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%s)].find(e => e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && (%s === "" || e.innerText.trim().split("\n")[0].trim() === %[2]s))`,
		quoted(selector), quoted(text))
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// click clicks an element with the mouse until the effect holds, because a page that is still being drawn moves and replaces
// its elements. text is the first line of the element's text, "" for any.
func (p *page) click(selector, text string, effect func() bool) {
	p.Helper()
	press := func() {
		var before *point
		p.eventually(fmt.Sprintf("%s %q can be clicked", selector, text), func() bool {
			at := p.middle(selector, text)
			if at != nil && before != nil && *at == *before {
				p.try(chromedp.MouseClickXY(at.X, at.Y))
				return true
			}
			before = at
			return effect()
		})
	}
	press()
	p.until(fmt.Sprintf("a click on %s %q has its effect", selector, text), effect, press)
}

type point struct{ X, Y float64 }

// middle returns the point at which an element can be clicked, or nil if it is invisible, disabled or covered by another one.
func (p *page) middle(selector, text string) *point {
	return evaluate[*point](p, `(() => {
		const e = `+visible(selector, text)+`;
		if (!e || e.disabled) return null;
		e.scrollIntoViewIfNeeded();
		const r = e.getBoundingClientRect(), at = {X: r.x + r.width / 2, Y: r.y + r.height / 2}, top = document.elementFromPoint(at.X, at.Y);
		return top && (e.contains(top) || top.contains(e)) ? at : null;
	})()`)
}

// submit clicks a button of a dialog until the dialog is gone.
func (p *page) submit(text string) {
	p.Helper()
	p.click("dialog[open] button", text, func() bool { return evaluate[bool](p, `!document.querySelector("dialog[open]")`) })
}

// fill pastes a text into an input.
func (p *page) fill(selector, text string) {
	p.Helper()
	field := visible(selector, "")
	p.click(selector, "", func() bool { return evaluate[bool](p, "document.activeElement === "+field) })
	p.paste(text)
	p.eventually(fmt.Sprintf("%s holds %q", selector, text), func() bool { return evaluate[string](p, field+"?.value") == text })
}

// paste pastes into the focused element.
func (p *page) paste(text string) {
	p.try(func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: text})
		return none, err
	})
}

// picture saves a screenshot of the tab, and returns the file's name.
func (p *page) picture(file string) string {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, stalls)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	require.NoError(p, err)
	require.NoError(p, os.WriteFile(file, png, 0o644))
	return file
}

// illustrate takes one of the README's pictures, if -pictures is set.
func (p *page) illustrate(name string) {
	if *pictures != "" {
		p.picture(filepath.Join(*pictures, name+".png"))
	}
}
