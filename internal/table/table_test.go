package table

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"inorder/internal/terminal"
)

type screen struct {
	bytes.Buffer
	width int
}

func (s *screen) Size() (int, int) { return s.width, 50 }

func columns() []Column {
	return []Column{{Title: "event"}, {Title: "type", Least: 8}, {Title: "age", Right: true, Drop: 1}, {Title: "store", Drop: 2}, {Title: "detail", Least: 10}}
}

var rows = [][]string{
	{"evt_0123456789abcdef", "order.created", "3 minutes", "store_1", "its order does not exist yet"},
	{"evt_2", "fulfillment.shipped", "2 days", "store_1", "주문이 아직 없습니다 that goes on and on and on for more than a line of any terminal that anybody has"},
	{"evt_3", "order.paid", "1 second", "", ""},
}

func shown(t *testing.T, width int) string {
	t.Setenv("NO_COLOR", "1")
	var cells [][]Cell
	for _, r := range rows {
		row := make([]Cell, len(r))
		for i, text := range r {
			row[i] = Text(text)
		}
		cells = append(cells, row)
	}
	s := &screen{width: width}
	table := Table{Columns: columns()}
	if width == 0 {
		table.Write(terminal.NewWriter(&s.Buffer), cells)
	} else {
		table.Write(terminal.NewWriter(s), cells)
	}
	return s.String()
}

func TestTablesFitTheTerminal(t *testing.T) {
	for _, width := range []int{60, 80, 100, 200} {
		out := shown(t, width)
		for line := range strings.Lines(out) {
			line = strings.TrimSuffix(line, "\n")
			require.LessOrEqual(t, runewidth.StringWidth(line), width, line)
			require.Equal(t, strings.TrimRight(line, " "), line, "blanks at the end")
		}
		require.Contains(t, out, "evt_0123456789abcdef", "IDs are copied, so they are never cut")
		require.Equal(t, 4, strings.Count(out, "\n"))
	}
	require.Contains(t, shown(t, 200), "STORE")
	require.Contains(t, shown(t, 80), "AGE")
	require.Contains(t, shown(t, 80), "STORE")
	require.NotContains(t, shown(t, 60), "STORE", "it goes first")
	require.Contains(t, shown(t, 60), "AGE")
	require.NotContains(t, shown(t, 40), "AGE")
	require.Contains(t, shown(t, 40), "DETAIL")
}

func TestTablesAreWholeWhenPiped(t *testing.T) {
	out := shown(t, 0)
	require.Contains(t, out, "that anybody has")
	require.Regexp(t, `(?m)^evt_3 +order.paid +1 second$`, out)
	require.Regexp(t, `(?m)^evt_0123456789abcdef  order.created        3 minutes  store_1  its order`, out)
}

func TestATableOfSeveralPages(t *testing.T) {
	var out bytes.Buffer
	w := terminal.NewWriter(&out)
	table := Table{Columns: []Column{{Title: "id"}, {Title: "empty"}, {Title: "n", Right: true}}}
	table.Write(w, nil)
	require.Empty(t, out.String())
	table.Write(w, [][]Cell{{Text("a"), Text(""), Text("10")}})
	table.Write(w, [][]Cell{{Text("longer"), Text("not shown"), Text("9\n\x1b[2J")}})
	require.Equal(t, "ID   N\na   10\nlonger  9\\u000a\\u001b[2J\n", out.String())
}
