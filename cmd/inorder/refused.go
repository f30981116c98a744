package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"inorder/internal/api"
	"inorder/internal/table"
	"inorder/internal/terminal"
	"inorder/internal/words"
)

type refusedCmd struct {
	List refusedListCmd `cmd:"" help:"List samples of the deliveries that were refused, newest first."`
	Show refusedShowCmd `cmd:"" help:"Show why one delivery was refused, and what to do."`
}

func (*refusedCmd) Help() string {
	return `Answers "why 401?". Receivers keep samples of the deliveries that they refuse: not every one, because strangers can send any number, but a few for
each reason and address. The cause of a wrong signature is found by trying: an old secret, upper case, a prefix, base64, another scheme, a body that
was changed on its way. Bodies, signatures and secrets are not kept.` + apiSettings + `

Examples:

    inorder refused list
    inorder refused show 17`
}

type refusedListCmd struct {
	Reason string `enum:"bad_signature,bad_event,too_large,unavailable," default:"" help:"Why they were refused: bad_signature (401), bad_event (400), too_large (413), unavailable (503)." placeholder:"REASON"`
	After  string `help:"Delivered at this time or later: a time, a day, or how long ago, such as 24h." placeholder:"TIME"`
	Before string `help:"Delivered before this time." placeholder:"TIME"`
	pageFlags
}

func (*refusedListCmd) Help() string {
	return `Shows samples of refused deliveries, newest first. The column "from" says who may have sent it: "ours" is a sender with one of our secrets, or one that
has ended; "known" is an address that authentic deliveries come from; of "anyone" nothing is known.` + apiSettings + `

Examples:

    inorder refused list --watch
    inorder refused list --reason bad_signature --after 1h --json | jq -r '.data[].summary'`
}

func (c *refusedListCmd) query(now time.Time) (q api.RefusedQuery, err error) {
	q.Reason = c.Reason
	if q.After, err = parsePast("--after", c.After, now); err == nil {
		q.Before, err = parsePast("--before", c.Before, now)
	}
	return q, err
}

func (c *refusedListCmd) Validate() error {
	if _, err := c.query(time.Now()); err != nil {
		return err
	}
	return c.pageFlags.Validate()
}

func (c *refusedListCmd) Run(ctx context.Context, std streams) error {
	return withAPI(std, func(o operator) error {
		q, err := c.query(time.Now())
		if err != nil {
			return err
		}
		return lister[api.Refused]{
			fetch: func(ctx context.Context, page api.ListQuery) (api.Page[api.Refused], error) {
				q.ListQuery = page
				return o.Refusals(ctx, q)
			},
			columns: []table.Column{{Title: "id"}, {Title: "when", Least: 11}, {Title: "reason"}, {Title: "from"}, {Title: "address", Drop: 2}, {Title: "event", Drop: 3, Least: 12},
				{Title: "why", Least: 20, Drop: 1}},
			row:  refusedRow,
			none: "No refused deliveries match.",
		}.show(ctx, o, c.pageFlags)
	})
}

func refusedRow(r api.Refused, now time.Time) []table.Cell {
	from := table.Cell{Text: "anyone"}
	switch r.Evidence {
	case "secret":
		from = table.Cell{Text: "ours", Style: terminal.Red}
	case "address":
		from = table.Cell{Text: "known", Style: terminal.Yellow}
	}
	return []table.Cell{table.Text(strconv.FormatInt(r.ID, 10)), table.Text(words.Ago(r.At, now)), table.Text(r.Reason), from, table.Text(r.Client), table.Text(r.EventID),
		table.Text(r.Summary)}
}

type refusedShowCmd struct {
	ID int64 `arg:"" help:"Its number; see inorder refused list."`
	outputFlags
}

func (*refusedShowCmd) Help() string {
	return `Shows why a delivery was refused, what to do about it, where it came from, and what else is known about it.` + apiSettings + `

Example:

    inorder refused show 17`
}

func (c *refusedShowCmd) Validate() error {
	if c.ID < 1 {
		return errors.New("the number must be 1 or more; see inorder refused list")
	}
	return c.outputFlags.Validate()
}

func (c *refusedShowCmd) Run(ctx context.Context, std streams) error {
	return withAPI(std, func(o operator) error {
		_, err := viewer[api.Refused]{func(ctx context.Context) (api.Refused, error) {
			r, err := o.Refused(ctx, c.ID)
			if p, ok := errors.AsType[*api.Problem](err); ok && p.Type == api.ProblemNotFound {
				err = fmt.Errorf("%w; to list refused deliveries: inorder refused list", err)
			}
			return r, err
		}, writeRefused}.show(ctx, std, c.outputFlags)
		return err
	})
}

func writeRefused(to *terminal.Writer, r api.Refused, now time.Time) {
	to.Paint(terminal.Bold, fmt.Sprintf("Refused delivery %d", r.ID))
	fmt.Fprintf(to, "\nIt was answered %d, %s (%s).\n", r.Status, words.Ago(r.At, now), clockOf(r.At))
	writeParagraph(to, "Why: ", line(r.Summary))
	writeParagraph(to, "What to do: ", line(r.Advice))
	fmt.Fprintln(to)
	size := ""
	if r.Bytes != nil {
		size = words.Count(int(*r.Bytes), "byte")
	}
	writeFacts(to, []fact{{"reason", r.Reason}, {"causes", strings.Join(r.Causes, ", ")}, {"from", whoSent(r)}, {"secret", strings.TrimSpace(r.Secret + "  " + r.Source)}, {"event", r.EventID},
		{"type", r.Type}, {"order", r.OrderID}, {"body", size}, {"SHA-256 of it", r.BodyHash}, {"content type", strings.TrimSpace(r.ContentType + " " + r.ContentEncoding)},
		{"user agent", r.UserAgent}, {"headers", strings.Join(r.HeaderNames, ", ")}})
}

// whoSent returns the sender's address, and what it shows about the sender.
func whoSent(r api.Refused) string {
	switch r.Evidence {
	case "secret":
		return r.Client + ", which has one of our secrets, or one that has ended"
	case "address":
		return r.Client + ", which authentic deliveries come from"
	}
	return r.Client + ", of which nothing else is known"
}
