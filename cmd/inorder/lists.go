package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"inorder/internal/api"
	"inorder/internal/await"
	"inorder/internal/table"
	"inorder/internal/terminal"
	"inorder/internal/words"
)

// maxPage is the size of the API's largest page.
const maxPage = 200

// outputFlags say how a command shows what it found.
type outputFlags struct {
	JSON  bool `name:"json" help:"Print one JSON document, as the admin API has it."`
	Watch bool `help:"Refresh every 2 seconds, until Ctrl-C."`
}

func (f outputFlags) Validate() error {
	if f.JSON && f.Watch {
		return errors.New("--watch can't be combined with --json, which prints one document")
	}
	return nil
}

// pageFlags say how much of a list is shown.
type pageFlags struct {
	outputFlags
	Limit    int    `default:"50" help:"Show at most this many, ${default}." placeholder:"N"`
	AllPages bool   `help:"Show all, page after page."`
	Cursor   string `help:"Continue where a list ended, which printed this." placeholder:"TEXT"`
}

func (f pageFlags) Validate() error {
	switch {
	case f.Limit < 1:
		return errors.New("--limit must be 1 or more")
	case f.Watch && f.AllPages:
		return errors.New("--watch can't be combined with --all-pages")
	}
	return f.outputFlags.Validate()
}

// lister fetches a list of the admin API, and says how it looks.
type lister[T any] struct {
	fetch   func(context.Context, api.ListQuery) (api.Page[T], error)
	columns []table.Column
	row     func(item T, now time.Time) []table.Cell
	none    string // what an empty list says
}

// show shows the list as the flags say.
func (l lister[T]) show(ctx context.Context, o operator, f pageFlags) error {
	switch {
	case f.JSON:
		return l.document(ctx, o, f)
	case f.Watch:
		return watch(ctx, o.streams, func(screen *terminal.Writer) error { return l.table(ctx, o, f, screen) })
	}
	return l.table(ctx, o, f, o.screen)
}

// pages calls each with one page after the other, until there are no more or the limit is reached. It returns the cursor to continue
// from; "" after the last page.
func (l lister[T]) pages(ctx context.Context, o operator, f pageFlags, each func(api.Page[T])) (next string, err error) {
	found, looked, said := 0, 0, time.Now()
	for next = f.Cursor; ; {
		limit := maxPage
		if !f.AllPages {
			limit = min(limit, f.Limit-found)
		}
		page, err := l.fetch(ctx, api.ListQuery{Limit: limit, Cursor: next})
		if err != nil {
			return next, err
		}
		each(page)
		found, looked, next = found+len(page.Data), looked+1, page.NextCursor
		if next == "" || !f.AllPages && found >= f.Limit {
			return next, nil
		}
		if time.Since(said) > reportEvery {
			said = time.Now()
			fmt.Fprintf(o.err, "%s so far, in %s; Ctrl-C stops it\n", words.Count(found, "row"), words.Count(looked, "page"))
		}
	}
}

// document prints the list as one page.
func (l lister[T]) document(ctx context.Context, o operator, f pageFlags) error {
	all := api.Page[T]{Data: []T{}}
	next, err := l.pages(ctx, o, f, func(p api.Page[T]) {
		all.Data = append(all.Data, p.Data...)
		all.Missing = mergeMissing(all.Missing, p.Missing)
	})
	if err != nil {
		return err
	}
	all.NextCursor = next
	return writeJSON(o.out, all)
}

// table prints the list page after page.
func (l lister[T]) table(ctx context.Context, o operator, f pageFlags, screen *terminal.Writer) error {
	t := table.Table{Columns: l.columns}
	found := 0
	var missing []api.Missing
	next, err := l.pages(ctx, o, f, func(p api.Page[T]) {
		rows := make([][]table.Cell, len(p.Data))
		for i, item := range p.Data {
			rows[i] = l.row(item, time.Now())
		}
		t.Write(screen, rows)
		found, missing = found+len(rows), mergeMissing(missing, p.Missing)
	})
	if err != nil {
		if found > 0 && !f.Watch {
			fmt.Fprintf(o.err, "To continue there, add: --cursor %s\n", next)
		}
		return err
	}
	if found == 0 {
		fmt.Fprintln(screen, l.none)
	}
	notes := o.err
	if f.Watch {
		notes = screen
	}
	noteMissing(notes, missing)
	if next != "" {
		fmt.Fprintf(notes, "There are more. Add --limit N, --all-pages or, to continue, --cursor %s\n", next)
	}
	return nil
}

// mergeMissing adds the sources that are not in the list yet.
func mergeMissing(list, more []api.Missing) []api.Missing {
	for _, m := range more {
		known := false
		for _, l := range list {
			known = known || l.Source == m.Source
		}
		if !known {
			list = append(list, m)
		}
	}
	return list
}

// watchEvery is the time between two frames of --watch.
const watchEvery = 2 * time.Second

// viewer shows one thing: once, again and again, or as JSON.
type viewer[T any] struct {
	fetch func(context.Context) (T, error) // its error says what to do next
	write func(*terminal.Writer, T, time.Time)
}

// show shows the thing as the flags say, and returns what it showed last.
func (v viewer[T]) show(ctx context.Context, std streams, f outputFlags) (t T, err error) {
	draw := func(screen *terminal.Writer) error {
		t, err = v.fetch(ctx)
		if err == nil {
			v.write(screen, t, time.Now())
		}
		return err
	}
	switch {
	case f.Watch:
		err = watch(ctx, std, draw)
	case f.JSON:
		if t, err = v.fetch(ctx); err == nil {
			err = writeJSON(std.out, t)
		}
	default:
		err = draw(std.screen)
	}
	return t, err
}

// watch draws again and again until ctx ends, which is no error. If the first drawing fails, watch returns its error; a later failure is
// shown, and drawing goes on.
func watch(ctx context.Context, std streams, draw func(*terminal.Writer) error) error {
	frame := func(draw func(*terminal.Writer) error) error {
		return std.screen.Redraw(func(screen *terminal.Writer) error {
			screen.Paint(terminal.Dim, "every 2 seconds, until Ctrl-C · "+time.Now().Format(time.TimeOnly))
			fmt.Fprint(screen, "\n\n")
			err := draw(screen)
			fmt.Fprintln(screen)
			return err
		})
	}
	for first := true; ; first = false {
		err := frame(draw)
		switch {
		case isInterrupted(ctx):
			return nil
		case err != nil && first:
			return err
		case err != nil:
			_ = frame(func(screen *terminal.Writer) error {
				screen.Paint(terminal.Red, err.Error()+"\n")
				return nil
			})
		}
		if await.Sleep(ctx, watchEvery) != nil {
			return nil
		}
	}
}
