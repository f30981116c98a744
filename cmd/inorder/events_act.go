package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"inorder/internal/api"
	"inorder/internal/words"
)

// maxNamedEvents is how many events may be named on a command line; a filter may select more.
const maxNamedEvents = 1000

// actFlags say on which events to act, and why.
type actFlags struct {
	ID []string `arg:"" optional:"" help:"The events' IDs. Without IDs: the events that the flags select."`

	filterFlags
	All bool `help:"Select every event that the action fits, if no other flag selects."`

	Reason string `help:"The reason, which the audit records." placeholder:"TEXT"`
	Yes    bool   `short:"y" help:"Do not ask for confirmation."`
	JSON   bool   `name:"json" help:"Print one JSON document."`

	Preview bool   `help:"Show how many events the flags select, and the first ten. Change nothing."`
	Rate    int    `default:"50" help:"If flags select the events: how many a second, ${default}." placeholder:"N"`
	Name    string `help:"If flags select the events: a name for the bulk action." placeholder:"TEXT"`
	Detach  bool   `help:"If flags select the events: do not wait for the end."`
}

const actHelp = `

Events that flags select are acted on together, as a bulk action. Its set of events is fixed at its start. It works at its rate, continues
if this command ends, and keeps what became of each event. Ctrl-C leaves it running; inorder bulk shows and stops it.`

func (a *actFlags) Validate() error {
	q, err := a.query(time.Now())
	if err := errors.Join(err, checkEventIDs(a.ID...)); err != nil {
		return err
	}
	filtered := q != (api.EventsQuery{})
	switch named := len(a.ID) > 0; {
	case named && (filtered || a.All || a.Preview || a.Detach || a.Name != ""):
		return errors.New("IDs of events can't be combined with flags that select events, or with --preview, --detach or --name")
	case !named && !filtered && !a.All:
		return errors.New("give IDs of events, or flags that select them, such as --state stuck; --all selects every event")
	case len(a.ID) > maxNamedEvents:
		return fmt.Errorf("give at most %d IDs of events, or flags that select them", maxNamedEvents)
	case a.Rate < 1 || a.Rate > 1000:
		return errors.New("--rate must be 1 to 1000")
	}
	return nil
}

// action is what one of the commands does.
type action struct {
	api.Action
	needsReason bool
	asks        bool   // asks even for one event, because it ends something
	question    string // about the events; %s is their count
	one         func(o operator, ctx context.Context, id, reason string) (api.Done, error)
}

func (a *actFlags) run(ctx context.Context, std streams, what action) error {
	return withAPI(std, func(o operator) error {
		if len(a.ID) == 0 {
			return a.bulk(ctx, o, what)
		}
		return a.named(ctx, o, what)
	})
}

// acted is what --json prints.
type acted struct {
	Done   []api.Done `json:"done"`
	Failed []failed   `json:"failed"`
}

type failed struct {
	EventID string `json:"event_id"`
	Error   string `json:"error"`
}

// named acts on the events that were named, one after the other.
func (a *actFlags) named(ctx context.Context, o operator, what action) (err error) {
	reason := a.Reason
	if what.needsReason {
		if reason, err = o.askReason(ctx, reason); err != nil {
			return err
		}
	}
	if what.asks || len(a.ID) > 1 {
		if err := o.confirm(ctx, fmt.Sprintf(what.question, words.Count(len(a.ID), "event")), a.Yes); err != nil {
			return err
		}
	}
	all, said := acted{Done: []api.Done{}, Failed: []failed{}}, time.Now()
	for i, id := range a.ID {
		done, err := what.one(o, ctx, id, reason)
		switch {
		case isInterrupted(ctx):
			return fmt.Errorf("interrupted after %d of %s", i, words.Count(len(a.ID), "event"))
		case err != nil && (len(a.ID) == 1 || !isProblem(err)):
			return notFirst(i, len(a.ID), explainEvent(err, id)) // no server, no token: the others would fail, too
		case err != nil:
			all.Failed = append(all.Failed, failed{id, err.Error()})
			fmt.Fprintf(o.err, "%s: %v\n", id, explainEvent(err, id))
		default:
			all.Done = append(all.Done, done)
			if !a.JSON {
				writeDone(o, done)
			}
		}
		if time.Since(said) > reportEvery && i+1 < len(a.ID) {
			said = time.Now()
			fmt.Fprintf(o.err, "%d of %d\n", i+1, len(a.ID))
		}
	}
	if a.JSON {
		if err := writeJSON(o.out, all); err != nil {
			return err
		}
	}
	if len(all.Failed) > 0 {
		return fmt.Errorf("the action failed for %d of %s", len(all.Failed), words.Count(len(a.ID), "event"))
	}
	return nil
}

// notFirst returns err, as a begunError if other events came before.
func notFirst(before, of int, err error) error {
	if before == 0 {
		return err
	}
	return &begunError{fmt.Errorf("after %d of %s: %w", before, words.Count(of, "event"), err)}
}

// isProblem reports whether the server refused for a reason that concerns only this event.
func isProblem(err error) bool {
	p, ok := errors.AsType[*api.Problem](err)
	return ok && (p.Type == api.ProblemUnfit || p.Type == api.ProblemNotFound)
}

// results has the words for what an action did.
var results = map[string]string{
	"signaled":  "its workflow tries again now",
	"started":   "its workflow is started again",
	"due":       "it is taken from the inbox now",
	"discarded": "it is discarded; inorder events replay undoes this",
	"replaying": "its payload is being applied again",
	"amended":   "its new body is recorded",
}

func writeDone(o operator, d api.Done) {
	text := cmp.Or(results[d.Result], d.Result)
	if d.Outcome != "" {
		text += "; it has ended: " + d.Outcome
	}
	if d.Detail != "" {
		text += " (" + line(d.Detail) + ")"
	}
	fmt.Fprintf(o.out, "%s: %s\n", line(d.EventID), text)
	if d.TemporalURL != "" {
		fmt.Fprintf(o.out, "  %s\n", line(d.TemporalURL))
	}
}
