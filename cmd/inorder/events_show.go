package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"inorder/internal/api"
	"inorder/internal/table"
	"inorder/internal/terminal"
	"inorder/internal/words"
)

type eventsShowCmd struct {
	ID string `arg:"" help:"The event's ID."`

	Payload bool `help:"Print the event's payload as JSON, and nothing else. It may hold personal data."`
	outputFlags
}

func (*eventsShowCmd) Help() string {
	return `Shows where an event stands, why, since when, what was tried, and which commands fit now. The event's payload is printed only with
--payload, as JSON that ` + "`inorder events amend`" + ` accepts.` + apiSettings + `

Examples:

    inorder events show evt_1
    inorder events show evt_1 --payload > body.json`
}

func (c *eventsShowCmd) Validate() error {
	if c.Payload && (c.JSON || c.Watch) {
		return errors.New("--payload can't be combined with another flag")
	}
	return errors.Join(checkEventIDs(c.ID), c.outputFlags.Validate())
}

func (c *eventsShowCmd) Run(ctx context.Context, std streams) error {
	return withAPI(std, func(o operator) error {
		fetch := func(ctx context.Context) (api.EventView, error) {
			e, err := o.Event(ctx, c.ID)
			return e, explainEvent(err, c.ID)
		}
		if c.Payload {
			e, err := fetch(ctx)
			if err != nil {
				return err
			}
			return writePayload(std, e)
		}
		_, err := viewer[api.EventView]{fetch, writeEvent}.show(ctx, std, c.outputFlags)
		return err
	})
}

func writePayload(std streams, e api.EventView) error {
	if e.PayloadRemovedAt != nil {
		return fmt.Errorf("the payload of %s was %s", e.EventID, removal(e))
	}
	if isNull(e.Payload) {
		noteMissing(std.err, e.Missing)
		return fmt.Errorf("the payload of %s is not known: PostgreSQL could not store it, and Temporal no longer has it, or does not answer", e.EventID)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, e.Payload, "", "  "); err != nil {
		return fmt.Errorf("the payload of %s is not JSON: %w", e.EventID, err)
	}
	_, err := fmt.Fprintln(std.out, indented.String())
	return err
}

// removal returns when the payload was removed; "" if it was not.
func removal(e api.EventView) string {
	if e.PayloadRemovedAt == nil {
		return ""
	}
	after := ""
	if e.ProcessedAt != nil {
		after = fmt.Sprintf(" after %s", words.Age(e.PayloadRemovedAt.Sub(*e.ProcessedAt)))
	}
	return fmt.Sprintf("removed%s, at %s (PAYLOAD_RETENTION): the event can't be replayed", after, clockOf(*e.PayloadRemovedAt))
}

func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || string(bytes.TrimSpace(raw)) == "null"
}

func writeEvent(to *terminal.Writer, e api.EventView, now time.Time) {
	to.Paint(terminal.Bold, line(e.EventID+"  "+e.Type))
	fmt.Fprintln(to)
	begin, since := "It is "+standing(e.Event), ""
	if e.State != api.StateEnded {
		since = ", received " + words.Ago(e.ReceivedAt, now)
	} else if e.ProcessedAt != nil {
		since = ", since " + words.Ago(*e.ProcessedAt, now) + " (" + clockOf(*e.ProcessedAt) + ")"
	}
	if rest, whole := strings.CutPrefix(broken("", begin+since+".", 0, to.Width()), begin); whole {
		fmt.Fprint(to, "It is ")
		to.Paint(styleOf(e.Event), standing(e.Event))
		fmt.Fprintln(to, rest)
	} else {
		paintParagraph(to, styleOf(e.Event), "", begin+since+".")
	}
	if why := cmp.Or(e.Reason, e.Detail); why != "" {
		writeParagraph(to, "Why: ", line(why))
	}
	fmt.Fprintln(to)
	facts := []fact{{"order", e.OrderID}, {"store", e.StoreID}, {"happened", whenOf(e.OccurredAt, now)}, {"received", whenOf(&e.ReceivedAt, now)}, {"via", e.Via}}
	if e.Attempts > 0 {
		facts = append(facts, fact{"attempts", fmt.Sprint(e.Attempts)})
	}
	facts = append(facts, fact{"last failure", e.LastFailure}, fact{"next attempt", whenOf(e.NextAttempt, now)}, fact{"workflow", e.WorkflowID},
		fact{"payload", removal(e)}, fact{"in Temporal", e.TemporalURL})
	writeFacts(to, facts)
	writeMoments(to, e.Timeline)
	if len(e.Actions) > 0 {
		fmt.Fprintf(to, "\nWhat you can do:%s\n", commands(e.EventID, e.Actions))
	}
	noteMissing(to, e.Missing)
}

// standing returns where an event stands, as the end of a sentence.
func standing(e api.Event) string {
	switch {
	case e.Outcome != "":
		return e.Outcome
	case e.State == api.StateInbox:
		return "in the inbox"
	case e.State == api.StateApplying:
		return "being applied"
	case e.State == api.StateAttention:
		return "in attention"
	}
	return string(e.State)
}

// whenOf returns a time on the clock and in words; "" for none.
func whenOf(t *time.Time, now time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return clockOf(*t) + "  (" + words.Ago(*t, now) + ")"
}

func writeMoments(to *terminal.Writer, moments []api.Moment) {
	if len(moments) == 0 {
		return
	}
	fmt.Fprintln(to)
	t := table.Table{Columns: []table.Column{{Title: "when"}, {Title: "what"}, {Title: "by", Least: 8}, {Title: "detail", Least: 20}}}
	var rows [][]table.Cell
	for _, m := range moments {
		rows = append(rows, []table.Cell{table.Text(clockOf(m.At)), table.Text(m.What), table.Text(m.By), table.Text(m.Text)})
	}
	t.Write(to, rows)
}
