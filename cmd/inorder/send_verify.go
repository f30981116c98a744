package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/send"
	"inorder/internal/store"
)

// verifiesOnly reports whether nothing is sent, and only the events of a file are checked.
func (s *sendCmd) verifiesOnly() bool {
	return s.Verify && s.IDs != "" && s.Type == "" && s.File == "" && s.Story == ""
}

// keepAndVerify sends a batch. It writes the IDs of the acknowledged events as they come, so that even a killed command leaves them, and checks
// them at the end, even if some deliveries were not taken.
func (s *sendCmd) keepAndVerify(ctx context.Context, c *servers, batch send.Batch, std streams) (err error) {
	var check func(context.Context, []string) error
	if s.Verify { // a missing setting is reported before anything is sent
		if check, err = s.checker(ctx, c, std); err != nil {
			return err
		}
	}
	keep := func(string) error { return nil }
	if s.IDs != "" {
		file, createErr := os.Create(s.IDs)
		if createErr != nil {
			return fmt.Errorf("--ids: %w", createErr)
		}
		defer func() {
			if closeErr := file.Close(); closeErr != nil {
				err = errors.Join(err, fmt.Errorf("--ids: %w", closeErr))
			}
		}()
		keep = func(id string) error { _, err := fmt.Fprintln(file, id); return err }
	}
	var taken []string
	var kept error
	batch.Taken = func(id string) {
		taken = append(taken, id)
		kept = errors.Join(kept, keep(id))
	}
	err = errors.Join(batch.Run(ctx), kept)
	if check == nil || ctx.Err() != nil {
		return err
	}
	checked := check(ctx, taken)
	if isRefusedToken(checked) {
		checked = &begunError{checked}
	}
	if hasOpenEvents(checked) && err != nil {
		checked = errors.New(checked.Error()) // what was not taken is worse, and decides the exit code
	}
	return errors.Join(err, checked)
}

// hasOpenEvents reports whether --verify found events that have not ended, and lost none.
func hasOpenEvents(err error) bool {
	_, open := errors.AsType[*send.OpenError](err)
	return open
}

// verifyFile checks the events of --ids.
func (s *sendCmd) verifyFile(ctx context.Context, c *servers, std streams) error {
	file, err := os.Open(s.IDs)
	if err != nil {
		return fmt.Errorf("--ids: %w", err)
	}
	defer file.Close()
	var ids []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if id := strings.TrimSpace(lines.Text()); id != "" {
			ids = append(ids, id)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("--ids: %w", err)
	}
	check, err := s.checker(ctx, c, std)
	if err != nil {
		return err
	}
	return check(ctx, ids)
}

// checker returns a function that checks events: in the tables or, without DATABASE_URL, by the admin API.
func (s *sendCmd) checker(ctx context.Context, c *servers, std streams) (func(context.Context, []string) error, error) {
	v := send.Verifier{Wait: s.Wait, Out: std.out, Notes: std.err}
	switch {
	case c.pool != nil:
		if err := c.reachPostgres(ctx); err != nil {
			return nil, err
		}
		v.States = store.New(c.pool).States
	case c.AdminToken != "":
		v.States = statesBy(&api.Client{URL: cmp.Or(c.AdminURL, localAdmin), Token: c.AdminToken})
	default:
		return nil, &usageError{"--verify needs DATABASE_URL, or ADMIN_TOKEN for the admin API at ADMIN_URL"}
	}
	return v.Run, nil
}

// askedAtOnce is how many events the admin API is asked for at the same time.
const askedAtOnce = 8

// statesBy returns a function that asks the admin API for each event. One that the API doesn't know counts as on its way.
func statesBy(client *api.Client) func(context.Context, []string) ([]store.EventState, error) {
	return func(ctx context.Context, ids []string) ([]store.EventState, error) {
		group, asking := errgroup.WithContext(ctx)
		group.SetLimit(askedAtOnce)
		var mu sync.Mutex
		states := make([]store.EventState, 0, len(ids))
		for _, id := range ids {
			group.Go(func() error {
				e, err := client.Event(asking, id)
				if p, refused := errors.AsType[*api.Problem](err); err != nil && !(refused && p.Type == api.ProblemNotFound) {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				states = append(states, store.EventState{ID: id, Outcome: outcomeOf(e.Event)})
				return nil
			})
		}
		err := group.Wait()
		return states, err
	}
}

// outcomeOf returns how an event ended, or its phase if people see it there; "" if it is on its way.
func outcomeOf(e api.Event) inorder.Outcome {
	if slices.Contains([]api.State{api.StateWaiting, api.StateStuck, api.StateAttention}, e.State) {
		return inorder.Outcome(e.State)
	}
	return inorder.Outcome(e.Outcome)
}
