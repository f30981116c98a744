package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"inorder/internal/api"
	"inorder/internal/command"
	"inorder/internal/table"
	"inorder/internal/terminal"
	"inorder/internal/words"
)

type statusCmd struct{ outputFlags }

func (*statusCmd) Help() string {
	return `Says first whether anything needs a person, and what to do about it. Then it shows the events that have not ended, with the age of the
oldest; those that have ended; what was delivered and what ended in the last hour, at all processes together; the last event of each
family; the servers that inorder needs; and workflows whose code fails. If a server did not answer, it names what is missing.
Events in PostgreSQL are counted at one moment, each event once; those that are being applied are counted by Temporal, up to a few
seconds earlier.

It exits with 0 if nothing needs a person, and with 3 if something does, also with --json. With --watch it exits with 0.` + apiSettings + `

Examples:

    inorder status
    inorder status --watch
    inorder status --json | jq -r '.problems[]'`
}

func (c *statusCmd) Run(ctx context.Context, std streams) error {
	return withAPI(std, func(o operator) error {
		s, err := viewer[api.Status]{o.Status, writeStatus}.show(ctx, std, c.outputFlags)
		if err == nil && !c.Watch && !s.OK {
			err = command.Code(exitWrong)
		}
		return err
	})
}

// states are in the order of an event's life.
var states = []api.State{api.StateInbox, api.StateApplying, api.StateWaiting, api.StateStuck, api.StateAttention}

func writeStatus(to *terminal.Writer, s api.Status, now time.Time) {
	if s.OK {
		to.Paint(terminal.Green, "Nothing needs a person.")
		fmt.Fprintln(to)
	}
	for _, p := range s.Problems {
		paintParagraph(to, terminal.Red, "! ", line(p))
	}
	writeCounts(to, s)
	writeTraffic(to, s.Traffic)
	fmt.Fprintln(to)
	if len(s.LastEvents) > 0 {
		var last []string
		for _, family := range slices.Sorted(maps.Keys(s.LastEvents)) {
			last = append(last, family+" "+words.Ago(s.LastEvents[family], now))
		}
		writeParagraph(to, "Last events: ", strings.Join(last, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Dependencies)) {
		d := s.Dependencies[name]
		style := terminal.Green
		if d.State != "ok" {
			style = terminal.Red
		}
		title := fmt.Sprintf("%-9s  ", name)
		fmt.Fprint(to, title)
		if d.Why != "" {
			d.State += ": " + line(d.Why)
		}
		to.Paint(style, strings.TrimPrefix(broken(title, d.State, len(title), to.Width()), title)+"\n")
	}
	for _, f := range s.FailingTasks {
		paintParagraph(to, terminal.Red, "! ", "workflow "+line(f.WorkflowID)+" has been failing since "+clockOf(f.Since)+": "+line(f.Problem))
		if f.TemporalURL != "" {
			fmt.Fprintf(to, "  %s\n", line(f.TemporalURL))
		}
	}
	noteMissing(to, s.Missing)
}

func writeCounts(to *terminal.Writer, s api.Status) {
	fmt.Fprintln(to)
	open := table.Table{Columns: []table.Column{{Title: "not ended"}, {Title: "events", Right: true}, {Title: "oldest", Least: 10}}}
	var rows [][]table.Cell
	for _, state := range states {
		c, known := s.States[state]
		row := []table.Cell{table.Text(string(state)), {Text: counted(c)}, table.Text(oldest(c))}
		switch {
		case !known:
			row[1] = table.Text("not known")
		case c.Count > 0 && (state == api.StateStuck || state == api.StateAttention):
			row[1].Style = terminal.Red
		}
		rows = append(rows, row)
	}
	open.Write(to, rows)
	fmt.Fprintln(to)
	ended := table.Table{Columns: []table.Column{{Title: "ended"}, {Title: "events", Right: true}, {Title: "last", Least: 10}}}
	rows = nil
	for _, outcome := range slices.Sorted(maps.Keys(s.Outcomes)) {
		c := s.Outcomes[outcome]
		last := oldest(c)
		if last != "" {
			last += " ago"
		}
		rows = append(rows, []table.Cell{table.Text(outcome), table.Text(counted(c)), table.Text(last)})
	}
	ended.Write(to, rows)
}

func counted(c api.Count) string {
	if c.More {
		return fmt.Sprintf("%d+", c.Count)
	}
	return fmt.Sprint(c.Count)
}

func oldest(c api.Count) string {
	if c.Count == 0 {
		return ""
	}
	return words.Seconds(c.OldestSeconds)
}

// writeTraffic draws the deliveries and the ends of each minute, as much of the hour as fits the terminal.
func writeTraffic(to *terminal.Writer, minutes []api.Minute) {
	if len(minutes) == 0 {
		return
	}
	if room := to.Width() - 12; to.Width() > 0 && len(minutes) > max(room, 10) {
		minutes = minutes[len(minutes)-max(room, 10):]
	}
	fmt.Fprintf(to, "\nThe last %s, a minute each:\n", words.Count(len(minutes), "minute"))
	draw := func(title string, of func(api.Minute) map[string]int) {
		perMinute, sums, all := make([]int, len(minutes)), map[string]int{}, 0
		for i, m := range minutes {
			for name, n := range of(m) {
				perMinute[i] += n
				sums[name] += n
				all += n
			}
		}
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(sums)) {
			parts = append(parts, fmt.Sprintf("%s %d", name, sums[name]))
		}
		fmt.Fprintf(to, "%-10s  %s\n", title, bars(perMinute))
		writeParagraph(to, "            ", strings.Join(append([]string{fmt.Sprintf("%d", all)}, parts...), ", "))
	}
	draw("deliveries", func(m api.Minute) map[string]int { return m.Deliveries })
	draw("ends", func(m api.Minute) map[string]int { return m.Ends })
}

// bars draws numbers as bars, the largest as high as a line. Each number above 0 has a bar.
func bars(numbers []int) string {
	const heights = "▁▂▃▄▅▆▇█"
	most := max(slices.Max(numbers), 1)
	var b strings.Builder
	for _, n := range numbers {
		if n == 0 {
			b.WriteRune('·')
			continue
		}
		b.WriteRune([]rune(heights)[(n*8-1)/most])
	}
	return b.String()
}
