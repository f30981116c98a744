package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"inorder/internal/api"
	"inorder/internal/table"
	"inorder/internal/terminal"
	"inorder/internal/words"
)

type bulkCmd struct {
	Show bulkShowCmd `cmd:"" help:"Show how far a bulk action has come, and what failed."`
	Stop bulkStopCmd `cmd:"" help:"Stop a bulk action."`
}

func (*bulkCmd) Help() string {
	return `A bulk action applies one action to many events. inorder events retry, discard and replay start one if flags select the events, and print its ID.` +
		apiSettings + `

Example:

    inorder events retry --state stuck --reason 'the webhook is back' --detach`
}

// progressOf returns a bulk action's progress in one line.
func progressOf(b api.Bulk) string {
	const width = 20
	filled := width
	if b.Total > 0 {
		filled = min(width*b.Done/b.Total, width)
	}
	bar := []rune("····················")
	for i := range filled {
		bar[i] = '█'
	}
	text := fmt.Sprintf("%s %d of %d", string(bar), b.Done, b.Total)
	if b.Failed > 0 {
		text += fmt.Sprintf(", %d failed", b.Failed)
	}
	if b.Problem != "" {
		text += "; it can't continue: " + line(b.Problem)
	}
	return text
}

func writeBulk(to *terminal.Writer, b api.Bulk, now time.Time) {
	to.Paint(terminal.Bold, line(cmp.Or(b.Name, string(b.Action))+"  "+b.ID))
	fmt.Fprintln(to)
	writeParagraph(to, "", progressOf(b))
	fmt.Fprintln(to)
	facts := []fact{{"state", b.End}, {"action", string(b.Action)}, {"reason", b.Reason}, {"by", b.Actor}, {"rate", fmt.Sprintf("%d a second", b.Rate)},
		{"started", whenOf(&b.StartedAt, now)}, {"ended", whenOf(b.EndedAt, now)}, {"in Temporal", b.TemporalURL}}
	writeFacts(to, facts)
	writeFailures(to, b)
	writeNotDone(to, b)
	noteMissing(to, b.Missing)
}

func writeFailures(to *terminal.Writer, b api.Bulk) {
	if len(b.Failures) > 0 {
		fmt.Fprintln(to)
		t := table.Table{Columns: []table.Column{{Title: "failed"}, {Title: "when", Drop: 1}, {Title: "why", Least: 20}}}
		var rows [][]table.Cell
		for _, f := range b.Failures {
			rows = append(rows, []table.Cell{table.Text(f.EventID), table.Text(clockOf(f.At)), table.Text(f.Result)})
		}
		t.Write(to, rows)
		if more := b.Failed - len(b.Failures); more > 0 {
			fmt.Fprintf(to, "and %d more\n", more)
		}
	}
}

// writeNotDone lists what a bulk action that was stopped left as it was.
func writeNotDone(to *terminal.Writer, b api.Bulk) {
	if len(b.NotDone) == 0 {
		return
	}
	fmt.Fprintln(to)
	t := table.Table{Columns: []table.Column{{Title: "not done"}}}
	var rows [][]table.Cell
	for _, id := range b.NotDone {
		rows = append(rows, []table.Cell{table.Text(id)})
	}
	t.Write(to, rows)
	if more := b.Total - b.Done - len(b.NotDone); more > 0 {
		fmt.Fprintf(to, "and %d more\n", more)
	}
}

type bulkShowCmd struct {
	ID string `arg:"" help:"The bulk action's ID, which was printed at its start; inorder audit shows it, too."`
	outputFlags
}

func (*bulkShowCmd) Help() string {
	return `Shows how far a bulk action has come, whether it can continue, and the first hundred events that it could not act on, each with the reason.` + apiSettings + `

Examples:

    inorder bulk show inorder-bulk-1
    inorder bulk show inorder-bulk-1 --watch`
}

func (c *bulkShowCmd) Run(ctx context.Context, std streams) error {
	return withAPI(std, func(o operator) error {
		_, err := viewer[api.Bulk]{func(ctx context.Context) (api.Bulk, error) {
			b, err := o.Bulk(ctx, c.ID)
			return b, explainBulk(err)
		}, writeBulk}.show(ctx, std, c.outputFlags)
		return err
	})
}

type bulkStopCmd struct {
	ID string `arg:"" help:"The bulk action's ID."`

	Reason string `help:"The reason, which the audit records." placeholder:"TEXT"`
	Yes    bool   `short:"y" help:"Do not ask for confirmation."`
	JSON   bool   `name:"json" help:"Print one JSON document."`
}

func (*bulkStopCmd) Help() string {
	return `Stops a bulk action. What it did stays done. It can't be resumed; the same filter starts a new one with the remaining events.` + apiSettings + `

Example:

    inorder bulk stop inorder-bulk-1 --reason 'the wrong filter'`
}

func (c *bulkStopCmd) Run(ctx context.Context, std streams) error {
	return withAPI(std, func(o operator) error {
		b, err := o.Bulk(ctx, c.ID)
		if err != nil {
			return explainBulk(err)
		}
		if b.EndedAt == nil {
			if err := std.confirm(ctx, fmt.Sprintf("Stop it with %s left?", words.Count(b.Total-b.Done, "event")), c.Yes); err != nil {
				return err
			}
		}
		if b, err = o.StopBulk(ctx, c.ID, c.Reason); err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(std.out, b)
		}
		writeBulk(std.screen, b, time.Now())
		return nil
	})
}
