package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"inorder/dev/standin"
)

// maxLines is how many orders are shown one by one; the rest are only counted.
const maxLines = 20

type placeCmd struct {
	Count int      `help:"How many orders, ${default}." default:"1" placeholder:"N"`
	Do    []string "help:\"Actions on each order; see `standin do --help`.\" placeholder:\"ACTION,…\""
	Mode  string   `help:"test or live." enum:"test,live" default:"test"`
}

func (*placeCmd) Help() string {
	return `The stand-in then delivers the events to every active webhook that subscribed to them.

Examples:

    standin place --do pay,ship
    standin place --count 200 --do pay,process,ship,deliver,complete`
}

func (p *placeCmd) Validate() error {
	if p.Count < 1 {
		return errors.New("--count must be 1 or more")
	}
	return checkActions(p.Do)
}

func checkActions(names []string) error {
	for _, name := range names {
		if !slices.Contains(standin.Actions(), name) {
			return fmt.Errorf("unknown action %q: use %s", name, strings.Join(standin.Actions(), ", "))
		}
	}
	return nil
}

func (p *placeCmd) Run(ctx context.Context, api *control, out io.Writer) error {
	var placed struct{ Orders []standin.Order }
	if err := api.call(ctx, "POST", "/orders", standin.Placement{Count: p.Count, Mode: p.Mode, Actions: p.Do}, &placed); err != nil {
		return err
	}
	showOrders(out, placed.Orders[:min(len(placed.Orders), maxLines)])
	if more := len(placed.Orders) - maxLines; more > 0 {
		fmt.Fprintf(out, "and %d more\n", more)
	}
	return api.whoHears(ctx, out, p.Mode)
}

// whoHears prints how many active webhooks there are in a mode.
func (c *control) whoHears(ctx context.Context, out io.Writer, mode string) error {
	var all struct{ Webhooks []standin.WebhookState }
	if err := c.call(ctx, "GET", "/webhooks", nil, &all); err != nil {
		return err
	}
	active := 0
	for _, w := range all.Webhooks {
		if w.Mode == mode && w.IsActive {
			active++
		}
	}
	if active == 0 {
		fmt.Fprintf(out, "\nNothing is delivered: there is no active webhook in %s mode. To register one: inorder hooks register URL\n", mode)
		return nil
	}
	fmt.Fprintf(out, "\nActive webhooks in %s mode, which get the events they subscribed to: %d. To see the deliveries: standin deliveries\n", mode, active)
	return nil
}

type doCmd struct {
	Order   string   "arg:\"\" help:\"The order's ID; `last` is the newest.\""
	Actions []string `arg:"" name:"action" help:"What to do with it, one after the other."`
}

func (*doCmd) Help() string {
	return `Actions:

    pay  pay_part  fail_payment
    process (without an event)  complete  cancel  update
    fulfill  fulfill_part  ship  deliver
    refund  refund_part  request_return  request_exchange  complete_return

An action that the order's state does not allow is refused.

Example:

    standin do last refund_part refund`
}

func (d *doCmd) Validate() error { return checkActions(d.Actions) }

func (d *doCmd) Run(ctx context.Context, api *control, out io.Writer) error {
	id := d.Order
	if id == "last" {
		all, err := api.orders(ctx)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return errors.New("there are no orders yet: place one with standin place")
		}
		id = all[len(all)-1].ID
	}
	var order standin.Order
	for i, action := range d.Actions {
		if err := api.call(ctx, "POST", "/orders/"+url.PathEscape(id)+"/"+action, nil, &order); err != nil {
			return fmt.Errorf("%w%s", err, done(d.Actions[:i]))
		}
	}
	showOrders(out, []standin.Order{order})
	return nil
}

// done names the actions that succeeded before a failure.
func done(actions []string) string {
	if len(actions) == 0 {
		return ""
	}
	return " (done before: " + strings.Join(actions, ", ") + ")"
}
