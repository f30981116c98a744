package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"inorder/internal/listen"
)

// outcomes lets a listen.Run look with a watcher.
type outcomes struct{ *watcher }

func (o outcomes) Look(ctx context.Context, eventIDs []string) ([]listen.Outcome, error) {
	places, err := o.places(ctx, eventIDs)
	if err != nil {
		return nil, err
	}
	found := make([]listen.Outcome, len(places))
	for i, p := range places {
		if p.Released { // it goes on at once
			p.Outcome = ""
		}
		found[i] = p.outcome()
	}
	return found, nil
}

func (o outcomes) Ask(ctx context.Context, eventID string) listen.Outcome {
	return o.ask(ctx, place{ID: eventID}).outcome()
}

func (p place) outcome() listen.Outcome {
	return listen.Outcome{EventID: p.ID, Outcome: string(p.Outcome), Detail: p.Detail}
}

// catchUp has a worker fetch what the platform could not deliver while nobody listened, beside what arrives now. since is
// when the last `inorder listen` was last there; zero if there was none.
func catchUp(ctx context.Context, d *hookDesk, std streams, since time.Time) {
	if since.IsZero() {
		return
	}
	fmt.Fprintf(std.out, "Nobody listened since %s: comparing orders with the platform's, to catch up\n", clockOf(since))
	go func() {
		err := new(reconcileCmd).reconcile(ctx, since, streams{out: std.out, err: io.Discard})
		if err != nil && ctx.Err() == nil {
			fmt.Fprintf(std.err, "That failed: %v\nTo try again: inorder orders reconcile --since %s\n", err, since.UTC().Format(time.RFC3339))
		}
	}()
}
