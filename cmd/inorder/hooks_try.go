package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"inorder/internal/delivery"
	"inorder/internal/platform"
	"inorder/internal/store"
	"inorder/internal/webhooks"
	"inorder/internal/words"
	"inorder/worker"
	"inorder/workflows"
)

type hooksTryCmd struct {
	ID string `arg:"" optional:"" help:"The webhook's ID; see inorder hooks list."`

	Event  string        `default:"product.updated" help:"The type of the test event. Default: product.updated, which touches no order." placeholder:"EVENT"`
	Wait   time.Duration `default:"10s" help:"How long to wait for the event to arrive."`
	Force  bool          `help:"Allow an event that the platform is not known to have."`
	Remove string        `help:"Instead of testing, remove what the test event with this ID wrote." placeholder:"EVENT-ID"`
}

func (*hooksTryCmd) Help() string {
	return `Asks the platform to deliver a test event to the webhook, and shows how the receiver answered and which event arrived here,
with its outcome and a link to the Temporal UI.

What a test delivery contains is not documented, so the events that have just arrived are shown. A test event is processed like any
other. A product.updated is only recorded, as ignored. An order event may create an order here, or wait for one, that does not exist
on the platform: then the detail of its row in webhook_events begins with "a test delivery", and --remove deletes that order, or
discards the waiting event. An order that the platform knows is left alone.

Needs HEADLESS_COMMERCE_API_KEY and DATABASE_URL. Reads HEADLESS_COMMERCE_API_URL, TASK_QUEUE, TEMPORAL_UI_URL, TEMPORAL_ADDRESS
and TEMPORAL_NAMESPACE (and the other TEMPORAL_* names).

Examples:

    inorder hooks test wh_1
    inorder hooks test wh_1 --event order.created
    inorder hooks test --remove evt_1`
}

func (c *hooksTryCmd) Validate() error {
	if (c.ID == "") == (c.Remove == "") {
		return errors.New("give the ID of the webhook to test, or the ID of a test event to --remove")
	}
	if strings.Contains(c.Event, "*") {
		return errors.New("--event takes one type, such as order.created")
	}
	return checkEvents([]string{c.Event}, c.Force)
}

func (c *hooksTryCmd) Run(ctx context.Context, std streams) error {
	return withHooks(ctx, std, func(h *hooksClients) error {
		if c.Remove == "" {
			return c.try(ctx, std, h)
		}
		done, err := h.tests().Remove(ctx, c.Remove)
		if err == nil {
			fmt.Fprintln(std.out, done)
		}
		return err
	})
}

func (c *hooksTryCmd) try(ctx context.Context, std streams, h *hooksClients) error {
	before, err := h.recent(ctx)
	if err != nil {
		return err
	}
	result, err := h.Test(ctx, c.ID, c.Event)
	if err != nil {
		return err
	}
	answer := "nothing"
	if result.StatusCode != 0 {
		answer = strings.TrimSpace(fmt.Sprintf("%d %s", result.StatusCode, http.StatusText(result.StatusCode)))
	}
	if result.ResponseTimeMS > 0 {
		answer += fmt.Sprintf(" after %d ms", result.ResponseTimeMS)
	}
	fmt.Fprintf(std.out, "The platform delivered %s and was answered %s\n", c.Event, answer)
	if !result.Success {
		return fmt.Errorf("the test delivery failed: %s", c.why(result))
	}
	arrived, err := h.awaitArrival(ctx, c.Event, before, c.Wait)
	if err != nil {
		return err
	}
	if err := c.show(std, h, arrived); err != nil {
		return err
	}
	ids := slices.Sorted(maps.Keys(arrived))
	for _, id := range ids[:min(len(ids), most)] {
		if err := h.mark(ctx, std, id); err != nil {
			return err
		}
	}
	return nil
}

// mark marks an event as a test, if its order is not real, and says how to remove what it wrote.
func (h *hooksClients) mark(ctx context.Context, std streams, id string) error {
	orderID, real, err := h.tests().Mark(ctx, id)
	switch {
	case err != nil || orderID == "":
		return err
	case real:
		fmt.Fprintf(std.out, "%s is about order %s, which exists on the platform: the event is not marked as a test\n", id, orderID)
	default:
		fmt.Fprintf(std.out, "Its order %s does not exist on the platform. To remove what the test wrote:\n  inorder hooks test --remove %s\n", orderID, id)
	}
	return nil
}

func (h *hooksClients) tests() webhooks.Tests {
	return webhooks.Tests{Registrar: h.Registrar, Events: store.New(h.pool), GiveUp: h.giveUp}
}

// giveUp discards a waiting event. In another system's namespace the same ID may be another event, so the namespace's owner is
// checked before the workflow is signaled.
func (h *hooksClients) giveUp(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	if err := worker.CheckOwner(ctx, worker.Options{Client: h.temporal, Namespace: h.Temporal.Namespace, Pool: h.pool}); err != nil {
		return err
	}
	reason := workflows.Discard{Reason: store.TestMark, Actor: h.Owner}
	if err := h.temporal.SignalWorkflow(ctx, id, "", workflows.SignalDiscard, reason); err != nil {
		return fmt.Errorf("discard the waiting event %s: %w", id, err)
	}
	return nil
}

// why returns what a failed test delivery means, and what to do.
func (c *hooksTryCmd) why(r platform.TestResult) string {
	switch r.StatusCode {
	case 0:
		return "there was no answer; does the URL lead to a running receiver?"
	case http.StatusUnauthorized:
		return "the receiver does not know the webhook's secret; if it reads this DATABASE_URL, `inorder hooks rotate " + c.ID + "` creates one that it knows"
	case http.StatusBadRequest:
		return "the receiver accepts the signature, but the body is not an event"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return "the URL does not lead to a receiver's " + delivery.Path + "; `inorder hooks update " + c.ID + " --url …` changes it"
	case http.StatusServiceUnavailable:
		return "the receiver could not accept the delivery: see its /readyz and `inorder refused list`"
	}
	return "does the URL lead to one of our receivers?"
}

// most is how many of the events that arrived are shown, and marked.
const most = 5

// show prints what arrived. On a busy system that may be more than the test event.
func (c *hooksTryCmd) show(std streams, h *hooksClients, arrived map[string]store.EventState) error {
	if len(arrived) == 0 {
		return fmt.Errorf("no new event was seen here within %s: either the URL leads to a receiver with another DATABASE_URL or TASK_QUEUE, "+
			"or the test event has the ID of an earlier one and is a duplicate", c.Wait)
	}
	if len(arrived) > 1 {
		fmt.Fprintf(std.out, "%s arrived meanwhile; the test event is one of them:\n", words.Count(len(arrived), "event"))
	}
	for i, id := range slices.Sorted(maps.Keys(arrived)) {
		if i == most {
			fmt.Fprintf(std.out, "  and %d more\n", len(arrived)-most)
			break
		}
		p := arrived[id]
		words := []string{id, string(cmp.Or(p.Outcome, "in flight")), p.Detail, h.link(id)}
		fmt.Fprintf(std.out, "  %s\n", strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), "  "))
	}
	return nil
}
