package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"inorder/internal/config"
	"inorder/internal/sample"
)

// pauseUnseen is between the deliveries of a story whose effects cannot be watched: long enough for each to be
// processed before the next, on an idle system.
const pauseUnseen = 500 * time.Millisecond

// tell makes a story's deliveries one after the other, each when the one before was processed, and then shows what
// became of the order and of each event.
func (s *sendCmd) tell(ctx context.Context, story sample.Story, to *sender, c config.Config, std streams) error {
	var seen *watcher
	if c.Pool != nil {
		var err error
		if seen, err = newWatcher(ctx, c); err != nil {
			return err
		}
		defer seen.close()
	}
	order := orNew(s.Order, "order_")
	steps := story.Tell(order, time.Now())
	fmt.Fprintf(std.out, "%s: %s\n\nOrder %s, to %s\n\n", story.Name, story.Shows, order, to.url)

	events, failed, err := s.deliver(ctx, steps, to, seen, std)
	if err != nil {
		return err
	}
	if failed.all > 0 {
		return fmt.Errorf("%d of %d deliveries were not answered as the story expects%s", failed.all, len(steps), failed.why(to))
	}
	if seen == nil {
		fmt.Fprintf(std.out, "\nDATABASE_URL is not set, so what became of them is not shown here.\n")
	} else if err := seen.show(ctx, std.out, order, events); err != nil {
		return err
	}
	if story.Next != "" {
		last := steps[len(steps)-1].Event.ID
		next := strings.NewReplacer("ORDER", order, "EVENT", last, "\n", "\n  ").Replace(story.Next)
		fmt.Fprintf(std.out, "\nTry next:\n  %s\n", next)
	}
	return nil
}

// deliver returns the events that were taken, each once, and how many deliveries were not answered as expected.
func (s *sendCmd) deliver(ctx context.Context, steps []sample.Step, to *sender, seen *watcher, std streams) (events []sample.Options, failed failures, err error) {
	width, slow := 0, false
	for _, step := range steps {
		width = max(width, len(step.Says))
	}
	for i, step := range steps {
		d := deliveryOf(step.Event, step.BadSignature)
		if step.Body != nil {
			d.body = step.Body
		}
		a := to.post(ctx, d)
		switch {
		case ctx.Err() != nil:
			return nil, failed, context.Cause(ctx)
		case errors.Is(a.err, syscall.ECONNREFUSED):
			return nil, failed, to.nobody()
		}
		fmt.Fprintf(std.out, "%2d  %-19s  %s  %-*s  %s\n", i+1, or(d.eventType, "(no type)"), clock(step.Event), width, step.Says, a)
		failed.count(a, step.Refused)
		if a.asExpected(step.Refused) && step.Refused == 0 && !contains(events, step.Event.ID) {
			events = append(events, step.Event)
		}
		if slow {
			continue
		}
		settled, err := s.settle(ctx, seen, events)
		if err != nil {
			return nil, failed, err
		}
		if slow = !settled; slow {
			fmt.Fprintf(std.err, "    not processed within %s; going on. Is a worker running?\n", s.Wait)
		}
	}
	return events, failed, nil
}

// settle waits until the events are processed as far as they can be, and reports whether they are.
func (s *sendCmd) settle(ctx context.Context, seen *watcher, events []sample.Options) (bool, error) {
	if seen != nil {
		return seen.settle(ctx, events, s.Wait)
	}
	select {
	case <-ctx.Done():
		return false, context.Cause(ctx)
	case <-time.After(pauseUnseen):
		return true, nil
	}
}

// clock is when the event happened: the time alone, or the year if it is not of these days.
func clock(o sample.Options) string {
	switch age := time.Since(o.At); {
	case o.At.IsZero():
		return "        "
	case age < -24*time.Hour || age > 24*time.Hour:
		return "in " + o.At.Format("2006") + " "
	}
	return o.At.Local().Format(time.TimeOnly)
}

func contains(events []sample.Options, id string) bool {
	return slices.ContainsFunc(events, func(o sample.Options) bool { return o.ID == id })
}
