package bulk

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"inorder/internal/api"
	"inorder/internal/store"
	"inorder/internal/words"
)

const (
	endFailing = "failing" // it can't go on now
	endRunning = "running"
	endStopped = "stopped"
)

// Get returns a bulk with its progress and its first failures. If Temporal does not answer, Missing says so.
func (b *Bulks) Get(ctx context.Context, id string) (api.Bulk, error) {
	row, found, err := b.Store.Bulk(ctx, id)
	if err != nil {
		return api.Bulk{}, unavailable(err)
	}
	if !found {
		return api.Bulk{}, &UnknownError{id}
	}
	return b.view(ctx, row)
}

// Stop ends a bulk: what is done stays done, and the few events under way are finished. It also works while Temporal is away.
// A bulk that was stopped before is returned as it is. If the bulk is done, Stop returns an EndedError.
func (b *Bulks) Stop(ctx context.Context, id, actor, reason string) (api.Bulk, error) {
	row, found, err := b.Store.StopBulk(ctx, id, store.Act{Actor: actor, Action: store.ActStop, Via: store.ViaAPI, Reason: reason})
	switch {
	case err != nil:
		return api.Bulk{}, unavailable(err)
	case !found:
		return api.Bulk{}, &UnknownError{id}
	case row.Ending == "done":
		return api.Bulk{}, &EndedError{id}
	}
	_, signalErr := b.Engine.StopBulk(ctx, id) // without the signal, the workflow finds out by itself
	view, err := b.view(ctx, row)
	if signalErr != nil && len(view.Missing) == 0 {
		view.Missing = append(view.Missing, api.Missing{Source: "temporal", Why: "it does not answer: the workflow ends when it does"})
	}
	return view, err
}

// Events returns what a bulk did to its events after a place, in order; with failed, only those that failed. Once the bulk has ended, a
// page with fewer than limit events is the last.
func (b *Bulks) Events(ctx context.Context, id string, after int, failed bool, limit int) ([]api.BulkEnd, error) {
	if _, err := b.Get(ctx, id); err != nil {
		return nil, err
	}
	return b.ends(ctx, id, after, failed, limit)
}

func (b *Bulks) ends(ctx context.Context, id string, after int, failed bool, limit int) ([]api.BulkEnd, error) {
	rows, err := b.Store.BulkEnds(ctx, id, after, failed, limit)
	if err != nil {
		return nil, unavailable(err)
	}
	ends := make([]api.BulkEnd, len(rows))
	for i, r := range rows {
		ends[i] = api.BulkEnd{Place: r.Place, EventID: r.EventID, At: r.DoneAt.UTC(), Failed: r.Failed, Result: r.Result}
	}
	return ends, nil
}

func (b *Bulks) view(ctx context.Context, row store.Bulk) (v api.Bulk, err error) {
	v = api.Bulk{ID: row.ID, Name: row.Name, Action: api.Action(row.Action), Reason: row.Reason, Actor: row.Actor, Rate: row.Rate,
		Total: row.Total, Done: row.Done, Failed: row.Failed, StartedAt: row.CreatedAt.UTC(), EndedAt: row.EndedAt, End: row.Ending,
		TemporalURL: b.Engine.URL(row.ID, "")}
	if err := json.Unmarshal(row.Filter, &v.Filter); err != nil {
		return api.Bulk{}, fmt.Errorf("read the filter of bulk %s: %w", row.ID, err)
	}
	if v.Failures, err = b.ends(ctx, row.ID, 0, true, failures); err != nil {
		return v, err
	}
	if row.Ending == endStopped && row.Done < row.Total {
		if v.NotDone, err = b.Store.LeftEvents(ctx, row.ID, failures); err != nil {
			return v, unavailable(err)
		}
	}
	if row.Ending != "" {
		return v, nil
	}
	v.End = endRunning
	run, found, err := b.Engine.DescribeBulk(ctx, row.ID)
	if err != nil {
		v.Missing = append(v.Missing, api.Missing{Source: "temporal", Why: "it does not answer, so it is not known whether the bulk action continues"})
		return v, nil
	}
	if v.Problem = problem(row, run, found); v.Problem == "" {
		return v, nil
	}
	if !run.Running { // it may have ended since its row was read
		if again, found, err := b.Store.Bulk(ctx, row.ID); err == nil && found && again.Ending != "" {
			return b.view(ctx, again)
		}
	}
	v.End = endFailing
	return v, nil
}

// problem says why a bulk that has not ended does not go on; "" if it does.
func problem(row store.Bulk, run Run, found bool) string {
	left := words.Phrase(row.Total-row.Done, "event is", "events are") + " left. Stop it, and begin another one for what is left"
	switch {
	case !found && !row.Begun && time.Since(row.CreatedAt) < 2*startTimeout: // it is being started
		return ""
	case !found && !row.Begun:
		return "its workflow was never started, and it has done nothing. Send the same request again, with its Idempotency-Key, or stop it"
	case !found:
		return "its workflow is gone from Temporal. " + left
	case !run.Running:
		return "its workflow was ended in Temporal (" + run.Status + "). " + left
	}
	return run.Problem
}
