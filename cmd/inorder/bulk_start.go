package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inorder/internal/api"
	"inorder/internal/await"
	"inorder/internal/table"
	"inorder/internal/words"
)

// bulk previews what the flags select, asks, begins the bulk action, and follows it.
func (a *actFlags) bulk(ctx context.Context, o operator, what action) error {
	q, err := a.query(time.Now())
	if err != nil {
		return err
	}
	request := api.BulkRequest{Action: what.Action, Filter: q.Filter(), Reason: a.Reason, Name: a.Name, Rate: a.Rate, All: a.All}
	if request.Reason == "" && a.Preview {
		request.Reason = "a preview"
	}
	if request.Reason, err = o.askReason(ctx, request.Reason); err != nil {
		return err
	}
	preview, err := o.PreviewBulk(ctx, request)
	switch {
	case err != nil:
		return err
	case a.Preview && a.JSON:
		return writeJSON(o.out, preview)
	case preview.Count == 0:
		return a.nothing(o)
	case !a.JSON:
		a.writePreview(o, preview)
	}
	if a.Preview {
		return nil
	}
	question := fmt.Sprintf(what.question, words.Count(preview.Count, "event"))
	takes := time.Duration(preview.Count/a.Rate) * time.Second
	if err := o.confirm(ctx, fmt.Sprintf("%s At %d a second this takes about %s.", question, a.Rate, words.Age(max(takes, time.Second))), a.Yes); err != nil {
		return err
	}
	request.Filter, request.Expect, request.Set = preview.Filter, &preview.Count, preview.Set
	started, err := o.StartBulk(ctx, request)
	if p, ok := errors.AsType[*api.Problem](err); ok && p.Type == api.ProblemChanged {
		return fmt.Errorf("%w; nothing was done: run the same command again to see what is selected now", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(o.err, "started as %s\n", line(started.ID))
	if a.Detach {
		return a.detached(o, started)
	}
	return follow(ctx, o, started.ID, a.JSON)
}

func (a *actFlags) nothing(o operator) error {
	if a.JSON {
		return writeJSON(o.out, api.Preview{First: []api.Event{}})
	}
	fmt.Fprintln(o.out, "No events match. Nothing was done.")
	return nil
}

func (a *actFlags) writePreview(o operator, p api.Preview) {
	t := table.Table{Columns: eventColumns()}
	rows := make([][]table.Cell, len(p.First))
	for i, e := range p.First {
		rows[i] = eventRow(e, time.Now())
	}
	t.Write(o.screen, rows)
	if more := p.Count - len(p.First); more > 0 {
		fmt.Fprintf(o.out, "and %d more\n", more)
	}
	if a.Preview {
		fmt.Fprintf(o.out, "%s. Nothing was changed.\n", words.Count(p.Count, "event"))
	}
}

func (a *actFlags) detached(o operator, s api.Started) error {
	if a.JSON {
		return writeJSON(o.out, s)
	}
	fmt.Fprintf(o.out, "%s: to see the progress: inorder bulk show %s\n", words.Count(s.Total, "event"), quoted(s.ID))
	return nil
}

// followEvery is the time between two polls of a bulk action.
const followEvery = time.Second

// follow reports the progress of a bulk action until that ends. It fails if an event failed. Ctrl-C leaves the action running.
func follow(ctx context.Context, o operator, id string, asJSON bool) error {
	left := func() error {
		fmt.Fprintf(o.err, "The bulk action continues without this command. To see it: inorder bulk show %s. To stop it: inorder bulk stop %[1]s\n", quoted(id))
		return nil
	}
	for said := time.Now(); ; {
		b, err := o.Bulk(ctx, id)
		switch {
		case isInterrupted(ctx):
			return left()
		case err != nil:
			fmt.Fprintf(o.err, "The bulk action continues without this command: inorder bulk show %s\n", quoted(id))
			return &begunError{err}
		case b.EndedAt != nil:
			return end(o, b, asJSON)
		case time.Since(said) > reportEvery:
			said = time.Now()
			fmt.Fprintln(o.err, progressOf(b))
		}
		if await.Sleep(ctx, followEvery) != nil {
			return left()
		}
	}
}

// end shows a bulk action that has ended. It returns an error if an event failed, or if the action was stopped.
func end(o operator, b api.Bulk, asJSON bool) error {
	if asJSON {
		if err := writeJSON(o.out, b); err != nil {
			return err
		}
	} else {
		writeBulk(o.screen, b, time.Now())
	}
	switch {
	case b.End == "stopped":
		return fmt.Errorf("the bulk action was stopped after %d of %s", b.Done, words.Count(b.Total, "event"))
	case b.Failed > 0:
		return fmt.Errorf("the action failed for %d of %s", b.Failed, words.Count(b.Total, "event"))
	}
	return nil
}
