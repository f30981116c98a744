package browser

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var pictures = flag.String("pictures", "", "a directory to take the README's pictures into")

// The window that the current details are written for.
const width, height = 1280, 850

// page is a tab of a headless Chromium.
type page struct {
	*system
	ctx context.Context
}

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

// open opens a path of Temporal's UI.
func (p *page) open(path string) { p.do(chromedp.Navigate(servers.TemporalUIURL + path)) }

// list opens the list of workflows that a query finds.
func (p *page) list(query string) {
	p.open("/namespaces/default/workflows?query=" + url.QueryEscape(query))
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	require.NoError(p, chromedp.Do(ctx, steps...))
}

// evaluate returns what an expression of JavaScript is; the zero value while it fails, as it does while a page changes.
func evaluate[T any](p *page, expression string) T {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, _ := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	return value
}

// visible is an expression for the first element that a selector finds, whose text is this one, and which is shown.
func visible(selector, text string) string {
	quoted := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b)
	}
	return fmt.Sprintf(`[...document.querySelectorAll(%s)].find(e => e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && (%s === "" || e.innerText.trim().split("\n")[0].trim() === %[2]s))`,
		quoted(selector), quoted(text))
}

// sees waits for an element.
func (p *page) sees(selector, text string) {
	p.Helper()
	p.eventually(fmt.Sprintf("%s %q is shown", selector, text), func() bool { return evaluate[bool](p, "!!"+visible(selector, text)) })
}

// click waits for an element that stays where it is, and clicks it with the mouse. text is the first line of its text, "" for any.
func (p *page) click(selector, text string) {
	p.Helper()
	before := ""
	p.eventually(fmt.Sprintf("%s %q can be clicked", selector, text), func() bool {
		place := p.find(selector, text)
		stays := place != "" && place == before
		before = place
		return stays
	})
	p.do(chromedp.Click(found))
}

// found is what find has found.
const found = chromedp.CSS("[data-found]")

// find returns where an element is, "" if it is not shown or can't be clicked.
func (p *page) find(selector, text string) (place string) {
	return evaluate[string](p, `(() => {
		document.querySelectorAll("[data-found]").forEach(e => e.removeAttribute("data-found"));
		const e = `+visible(selector, text)+`;
		if (!e || e.disabled) return "";
		e.setAttribute("data-found", "");
		return JSON.stringify(e.getBoundingClientRect());
	})()`)
}

// submit clicks a button of a dialog until that is gone: a dialog that is still growing moves its button away from the mouse.
func (p *page) submit(text string) {
	p.Helper()
	p.click("dialog[open] button", text)
	require.Eventually(p, func() bool {
		if !evaluate[bool](p, `!!document.querySelector("dialog[open]")`) {
			return true
		}
		if p.find("dialog[open] button", text) != "" {
			ctx, cancel := context.WithTimeout(p.ctx, time.Second)
			defer cancel()
			_ = chromedp.Do(ctx, chromedp.Click(found)) // it may go meanwhile
		}
		return false
	}, patience, time.Second, "the dialog closes")
}

// fill pastes a text into an input.
func (p *page) fill(selector, text string) {
	p.Helper()
	p.click(selector, "")
	p.paste(text)
	p.eventually(fmt.Sprintf("%s holds %q", selector, text), func() bool { return evaluate[string](p, visible(selector, "")+"?.value") == text })
}

// paste pastes into the element that has the focus.
func (p *page) paste(text string) {
	p.Helper()
	p.do(func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: text})
		return none, err
	})
}

// picture saves what the tab shows.
func (p *page) picture(file string) string {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	require.NoError(p, err)
	require.NoError(p, os.WriteFile(file, png, 0o644))
	return file
}

// illustrate takes one of the README's pictures, if that is asked for.
func (p *page) illustrate(name string) {
	if *pictures != "" {
		p.picture(filepath.Join(*pictures, name+".png"))
	}
}
