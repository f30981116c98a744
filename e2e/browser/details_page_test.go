package browser

import (
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// box is what the UI shows as a workflow's current details.
type box struct {
	Text  string
	Lines int     // lines of text as drawn
	Cut   float64 // pixels of text below the box's lower edge
	Links []string
}

// readBox measures the lines as they are drawn. The box is a frame from the same origin as the page, so the page can read it.
const readBox = `(() => {
	const title = [...document.querySelectorAll("h3")].find(e => e.innerText === "Current Details");
	const frame = title && title.closest(".flex-1").querySelector("iframe");
	const page = frame && frame.contentDocument;
	if (!page || page.readyState !== "complete" || !page.querySelector("main")) return null;
	const range = page.createRange();
	range.selectNodeContents(page.querySelector("main"));
	const bottoms = [...range.getClientRects()].filter(r => r.width > 0 && r.height < 40).map(r => r.bottom);
	const lines = bottoms.sort((a, b) => a - b).filter((b, i) => i === 0 || b - bottoms[i-1] > 8);
	return {
		Text: page.body.innerText.trim(), Lines: lines.length, Cut: Math.max(0, ...bottoms) - frame.getBoundingClientRect().height,
		Links: [...page.querySelectorAll("a")].map(a => a.href),
	};
})()`

// details opens the page of an event's newest run, and returns its current details once they contain the text.
func (p *page) details(eventID, contains string) (b box) {
	p.Helper()
	p.event(eventID)
	p.tab("User Metadata", "user-metadata")
	return p.currentDetails(contains)
}

// tab opens a tab of a workflow's page.
func (p *page) tab(name, path string) {
	p.Helper()
	p.click("[role=tab]", name, p.path(`endsWith("/`+path+`")`))
}

// event opens the page of an event's newest run, once it exists.
func (p *page) event(eventID string) {
	p.Helper()
	open := func() { p.open("/workflows/" + eventID) }
	open()
	p.until("the event has a page", func() bool {
		return p.path(`includes("/`+eventID+`/")`)() && p.has("[role=tab]", "User Metadata")()
	}, open)
}

// currentDetails returns the current details once they contain the text. Meanwhile it presses "r", which reloads them.
func (p *page) currentDetails(contains string) (b box) {
	p.Helper()
	p.until(fmt.Sprintf("the current details contain %q", contains), func() bool {
		if read := evaluate[*box](p, readBox); read != nil {
			b = *read
		}
		return strings.Contains(b.Text, contains)
	}, func() { p.try(chromedp.KeyEvent("r")) })
	return b
}

// fits requires that the details have at most four lines, and that nothing is cut off.
func (b box) fits(p *page) {
	p.Helper()
	require.LessOrEqual(p, b.Lines, 4, b.Text)
	require.LessOrEqual(p, b.Cut, 0.0, "pixels are cut off: %s", b.Text)
}
