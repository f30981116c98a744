package browser

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

// views returns the queries that docs/operations.md suggests, by the names of their views.
func views(t *testing.T) map[string]string {
	text, err := os.ReadFile(filepath.Join(testenv.Root(), "docs", "operations.md"))
	require.NoError(t, err)
	_, after, found := strings.Cut(string(text), "| view | query |\n|---|---|\n")
	require.True(t, found)
	table, _, _ := strings.Cut(after, "\n\n")
	all := map[string]string{}
	for _, m := range regexp.MustCompile("\\| (.*) \\| `(.*)` \\|").FindAllStringSubmatch(table, -1) {
		all[m[1]] = m[2]
	}
	require.Equal(t, strings.Count(table, "\n")+1, len(all))
	return all
}

// The columns and views that the document suggests, set up as it says, show what the document promises.
func TestColumnsAndViews(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.run("send", "--story", "out-of-order")
	s.run("send", "order.created", "--id", "evt_v_created", "--order", "order_2002_v")
	s.run("send", "order.paid", "--id", "evt_v_stuck", "--order", "order_2002")
	s.run("send", "order.paid", "--id", "evt_v_ended", "--order", "order_9")
	s.post(`{"id":"evt_v_attention","type":"order.updated","created_at":"2025-01-15T10:00:00Z","data":{"id":"order_2002_v","status":7}}`)
	s.awaitPhase("evt_v_stuck", "stuck")
	s.awaitPhase("evt_v_ended", "stuck")
	s.awaitPhase("evt_v_attention", "attention")

	p := s.page()
	p.event("evt_v_ended")
	p.act("[data-testid=terminate-button]", p.has("dialog[open] button", "Terminate"))
	p.submit("Terminate")

	p.open("/workflows")
	p.click("[data-testid=workflows-summary-table-configuration-button]", "", p.has("[data-testid=drawer-close-button]", ""))
	for _, column := range []string{"EventType", "OrderId", "EventPhase"} {
		p.column("Add", column)
	}
	for _, column := range []string{"Run ID", "Type", "Start", "End"} {
		p.column("Remove", column)
	}
	p.click("[data-testid=drawer-close-button]", "", func() bool { return !p.has("[data-testid=drawer-close-button]", "")() })
	require.Equal(t, []string{"Select all Workflows", "Status", "Workflow ID", "EventType", "OrderId", "EventPhase"},
		evaluate[[]string](p, `[...document.querySelectorAll("thead th")].map(e => e.innerText.trim()).filter(text => text !== "")`))
	p.illustrate("events")

	shows := map[string][]string{
		"needs a person":       {"evt_v_attention", "evt_v_stuck"},
		"waits for its order":  {},
		"fails and is retried": {},
		"one order":            {"evt_v_stuck"},
		"somebody ended it":    {"evt_v_ended"},
	}
	for name, query := range views(t) {
		p.list(query)
		if ids, known := shows[name]; known {
			p.lists(ids...)
		} else {
			require.Equal(t, "one type", name)
			p.sees("td a", "evt_v_stuck") // among many
		}
	}
}

// column adds or removes a column of the list, in the drawer that configures it.
func (p *page) column(action, name string) {
	p.Helper()
	button := `button[aria-label="` + action + ` ` + name + ` column"]`
	p.click(button, "", func() bool { return !p.has(button, "")() })
}
