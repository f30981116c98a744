package browser

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An operator finds an order's waiting event in the UI, reads there how to release it, and does so.
func TestAnOperatorReleasesAWaitingEvent(t *testing.T) {
	t.Parallel()
	s := serve(t, "PENDING_RECHECK=1h") // so that no event is retried by itself
	s.run("send", "order.paid", "--id", "evt_waits", "--order", "order_browser_1")
	s.run("send", "order.paid", "--id", "evt_other", "--order", "order_browser_2")
	s.run("send", "order.created", "--id", "evt_done", "--order", "order_browser_3")
	s.awaitPhase("evt_waits", "stuck")

	p := s.page()
	p.open("/workflows")
	p.filter("OrderId", "order_browser_1")
	p.filter("EventPhase", "stuck")
	p.sees("td a", "evt_waits")
	p.eventually("it is the only one", func() bool {
		return evaluate[int](p, `document.querySelectorAll("tbody tr").length`) == 1
	})
	p.click("td a", "evt_waits", p.path(`includes("/evt_waits/")`))
	p.tab("User Metadata", "user-metadata")

	b := p.currentDetails("Stuck for order order_browser_1; continues when it is created.")
	b.fits(p)
	require.Contains(t, b.Text, "Signal retry: try again now.")
	require.Equal(t, []string{s.adminURL + "/api/events/evt_waits"}, b.Links)
	require.Contains(t, s.get(b.Links[0], "temporal_url"), "/namespaces/"+s.namespace+"/workflows/evt_waits/", "the API leads back")
	p.illustrate("stuck")

	s.importOrder("order_browser_1")
	p.signal("retry", "")
	p.sees("main span, main div", "Completed")
	require.Equal(t, "applied", s.outcome("evt_waits"))
	require.Equal(t, "paid", s.text(`SELECT payment_status FROM orders WHERE id = 'order_browser_1'`))

	p.event("evt_other")
	p.signal("discard", `{"reason": "a test order", "actor": "ops"}`)
	p.sees("main span, main div", "Completed")
	require.Equal(t, "discarded", s.outcome("evt_other"))
	require.Equal(t, "a test order (by ops)", s.text(`SELECT detail FROM webhook_events WHERE event_id = 'evt_other'`))
}

// lists waits until the list has exactly these workflows, in any order. It reloads the page: the list lags and does not refresh itself.
func (p *page) lists(ids ...string) {
	p.Helper()
	slices.Sort(ids)
	read := func() []string {
		shown := evaluate[[]string](p, `[...document.querySelectorAll("tbody tr:has(a)")].map(e => e.querySelector("a").innerText.trim())`)
		return slices.Sorted(slices.Values(shown))
	}
	p.shows(fmt.Sprintf("the list has %s and no other", ids), func() bool { return slices.Equal(read(), ids) })
}

// filter adds a filter by a search attribute to the list of workflows.
func (p *page) filter(attribute, value string) {
	p.Helper()
	const field = `input[placeholder="Enter value..."]`
	p.click("[data-testid=add-filter-button]", "", p.has("#filter-search", ""))
	p.fill("#filter-search", attribute)
	p.click("#search-attribute-menu [role=menuitem]", attribute, p.has(field, ""))
	p.fill(field, value)
	p.click("[role=menu] button", "Apply", func() bool { return evaluate[bool](p, `decodeURIComponent(location.search).includes("`+value+`")`) })
}

// signal sends a signal from the page of a workflow. input is JSON, or "" for none.
func (p *page) signal(name, input string) {
	p.Helper()
	const option, editor = "dialog[open] [role=option]", "dialog[open] .cm-content"
	p.act("[data-testid=signal-button]", p.has("dialog[open] [data-testid=signal-select-button]", ""))
	p.click("dialog[open] [data-testid=signal-select-button]", "", p.has(option, name))
	p.click(option, name, func() bool { return !p.has(option, name)() })
	if input != "" {
		p.click(editor, "", func() bool { return evaluate[bool](p, `!!document.activeElement.closest(`+quoted(editor)+`)`) })
		p.paste(input)
		p.eventually("the input is there", func() bool {
			return strings.Contains(evaluate[string](p, visible(editor, "")+"?.innerText"), strings.Split(input, ",")[0])
		})
	}
	p.submit("Submit")
}

// act clicks one of the actions on the page of a workflow.
func (p *page) act(button string, effect func() bool) {
	p.Helper()
	p.click("button", "More Actions", p.has(button, ""))
	p.click(button, "", effect)
}
