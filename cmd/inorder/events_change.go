package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"inorder"
	"inorder/internal/api"
)

type eventsRetryCmd struct{ actFlags }

func (*eventsRetryCmd) Help() string {
	return `Tries events again now: those that are waiting, stuck or in attention, those that are being retried after a failure, those in the inbox,
and those that lost their workflow. With a platform key, the worker also asks the platform for a missing order. A retry changes nothing
else, and may be repeated.` + actHelp + apiSettings + `

Examples:

    inorder events retry evt_1
    inorder events retry --state stuck --type order.paid --reason 'orders.created is back'`
}

func (c *eventsRetryCmd) Run(ctx context.Context, std streams) error {
	return c.run(ctx, std, action{Action: api.Retry, question: "Retry %s?",
		one: func(o operator, ctx context.Context, id, reason string) (api.Done, error) {
			return o.Retry(ctx, id, reason)
		}})
}

type eventsDiscardCmd struct{ actFlags }

func (*eventsDiscardCmd) Help() string {
	return `Gives up events, wherever they stand. Each event is recorded as discarded, with its payload, the reason and who did it. Its order stays
as it is. inorder events replay undoes a discard.` + actHelp + apiSettings + `

Examples:

    inorder events discard evt_1 --reason 'a test order'
    inorder events discard --order order_1001 --state waiting --reason 'never created' --yes`
}

func (c *eventsDiscardCmd) Run(ctx context.Context, std streams) error {
	return c.run(ctx, std, action{Action: api.Discard, needsReason: true, asks: true, question: "Give up %s?",
		one: func(o operator, ctx context.Context, id, reason string) (api.Done, error) {
			return o.Discard(ctx, id, reason)
		}})
}

type eventsReplayCmd struct{ actFlags }

func (*eventsReplayCmd) Help() string {
	return `Applies ended events again, from the payload that is kept: events that were discarded, have expired, or were applied. They are processed
like any other event, so nothing newer is ever undone. The audit keeps how they ended before.` + actHelp + apiSettings + `

Examples:

    inorder events replay evt_1 --reason 'discarded by mistake'
    inorder events replay --outcome expired --received-after 48h --reason 'the orders are there now'`
}

func (c *eventsReplayCmd) Run(ctx context.Context, std streams) error {
	return c.run(ctx, std, action{Action: api.Replay, needsReason: true, question: "Apply %s again?",
		one: func(o operator, ctx context.Context, id, reason string) (api.Done, error) {
			return o.Replay(ctx, id, reason)
		}})
}

type eventsAmendCmd struct {
	ID string `arg:"" help:"The event's ID."`

	Body   string `required:"" help:"A file with the event as it should have been; - is standard input." placeholder:"PATH"`
	Reason string `help:"The reason, which the audit records." placeholder:"TEXT"`
	Yes    bool   `short:"y" help:"Do not ask for confirmation."`
	JSON   bool   `name:"json" help:"Print one JSON document."`
}

func (*eventsAmendCmd) Help() string {
	return `Replaces the body of an event in attention with a corrected one that has the same ID, and applies it. The body is the whole event: id,
type, created_at and data.` + apiSettings + `

Example:

    inorder events show evt_1 --payload > body.json
    vi body.json
    inorder events amend evt_1 --body body.json --reason 'created_at was missing'`
}

func (c *eventsAmendCmd) Run(ctx context.Context, std streams) error {
	return withAPI(std, func(o operator) error {
		body, err := c.body(std)
		if err != nil {
			return err
		}
		reason, err := std.askReason(ctx, c.Reason)
		if err != nil {
			return err
		}
		if err := std.confirm(ctx, fmt.Sprintf("Replace the body of 1 event, %s, and apply it?", c.ID), c.Yes); err != nil {
			return err
		}
		done, err := o.Amend(ctx, c.ID, reason, body)
		if err != nil {
			return explainEvent(err, c.ID)
		}
		if c.JSON {
			return writeJSON(std.out, acted{Done: []api.Done{done}, Failed: []failed{}})
		}
		writeDone(o, done)
		return nil
	})
}

// body reads the corrected event, and refuses what the server would refuse.
func (c *eventsAmendCmd) body(std streams) (raw json.RawMessage, err error) {
	if c.Body == "-" {
		if raw, err = io.ReadAll(std.in); err == nil && c.Reason == "" && !c.Yes {
			err = errors.New("standard input holds the body, so no question can be asked: add --reason '…' and --yes")
		}
	} else {
		raw, err = os.ReadFile(c.Body)
	}
	if err != nil {
		return nil, &usageError{"--body: " + err.Error()}
	}
	e, err := inorder.ParseEvent(raw)
	switch {
	case err != nil:
		return nil, &usageError{fmt.Sprintf("--body %s is not an event: %v", c.Body, err)}
	case e.ID != c.ID:
		return nil, &usageError{fmt.Sprintf("--body %s holds the event %s, not %s", c.Body, e.ID, c.ID)}
	}
	return raw, nil
}
