package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"inorder/dev/standin"
)

// pollEvery is how often --follow asks for new attempts.
const pollEvery = 300 * time.Millisecond

type deliveriesCmd struct {
	Limit  int  `help:"Show only the last N; 0 for all that are kept (${default})." default:"20" placeholder:"N"`
	Follow bool `short:"f" help:"Show new deliveries as they come, until Ctrl-C."`
}

func (c *deliveriesCmd) Run(ctx context.Context, api *control, out io.Writer) error {
	attempts, err := api.deliveries(ctx, 0)
	if err != nil {
		return err
	}
	if c.Limit > 0 && len(attempts) > c.Limit {
		attempts = attempts[len(attempts)-c.Limit:]
	}
	last := 0
	for show := attempts; ; {
		for _, a := range show {
			showAttempt(out, a)
			last = a.Number
		}
		if !c.Follow {
			return api.showStats(ctx, out)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollEvery):
		}
		if show, err = api.deliveries(ctx, last); err != nil {
			return err
		}
	}
}

func (c *control) deliveries(ctx context.Context, after int) ([]standin.Attempt, error) {
	var log struct{ Deliveries []standin.Attempt }
	err := c.call(ctx, "GET", fmt.Sprintf("/deliveries?after=%d", after), nil, &log)
	return log.Deliveries, err
}

// showAttempt prints one line. The columns have fixed widths, because with --follow the lines come one by one.
func showAttempt(out io.Writer, a standin.Attempt) {
	outcome := strings.ReplaceAll(a.Outcome, "_", " ")
	switch {
	case a.Status != 0:
		outcome += fmt.Sprintf(", answered %d in %d ms", a.Status, a.Millis)
	case a.Error != "":
		outcome += ": " + a.Error
	}
	if a.Fault != "" {
		outcome += " (fault: " + a.Fault + ")"
	}
	fmt.Fprintf(out, "%s  %-21s  %-22s  %-22s  try %d  %s\n", a.At.Local().Format("15:04:05.000"), a.EventType, a.OrderID, a.EventID, a.Attempt, outcome)
}

func (c *control) showStats(ctx context.Context, out io.Writer) error {
	var s standin.Stats
	if err := c.call(ctx, "GET", "/state", nil, &s); err != nil {
		return err
	}
	if s.Deliveries == 0 {
		fmt.Fprintln(out, "No deliveries yet. They need an order (standin place) and an active webhook (standin webhooks)")
		return nil
	}
	fmt.Fprintf(out, "\n%d events, %d deliveries: %d delivered, %d dropped, %d given up, %d under way\n",
		s.Events, s.Deliveries, s.Delivered, s.Dropped, s.GaveUp, s.Pending)
	return nil
}
