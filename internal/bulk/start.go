package bulk

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"inorder/internal/api"
	"inorder/internal/operate"
	"inorder/internal/store"
	"inorder/internal/words"
)

// Preview returns how many events the filter selects now, and the first ten, oldest first. The filter in the answer has the time up to
// which Preview looked: posted back, it leaves out what arrives later. Preview changes nothing.
func (b *Bulks) Preview(ctx context.Context, asked api.BulkRequest) (api.Preview, error) {
	r, err := check(asked)
	if err != nil {
		return api.Preview{}, err
	}
	applying, err := b.applying(ctx, r.Filter)
	if err != nil {
		return api.Preview{}, err
	}
	events, at, err := b.Store.Select(ctx, r.selection, maxEvents+1)
	if err != nil {
		return api.Preview{}, unavailable(err)
	}
	if events, err = merge(events, applying); err != nil {
		return api.Preview{}, err
	}
	p := api.Preview{Count: len(events), Filter: upTo(r.Filter, at), Set: digest(events)}
	p.First, err = b.first(ctx, events[:min(shown, len(events))], applying)
	return p, err
}

// Start fixes the set of events that the filter selects, and starts the workflow that acts on them. A filter that selects none
// is no error: the answer has no ID, and says that nothing was done.
//
// key is the same whenever the same request is tried again; "" for a new request. If the key's bulk exists, Start returns it, and starts
// its workflow if the bulk goes on and the workflow isn't running. If Temporal does not accept the workflow, a new bulk is taken back, and
// an operate.UnavailableError says that nothing was done.
func (b *Bulks) Start(ctx context.Context, asked api.BulkRequest, actor, key string) (api.Started, error) {
	r, err := check(asked)
	if err != nil {
		return api.Started{}, err
	}
	all, err := b.selectsAll(ctx, r)
	switch {
	case err != nil:
		return api.Started{}, unavailable(err)
	case all && !r.All:
		return api.Started{}, invalid("all", "must be true: the filter selects every event that can be "+participle[r.Action])
	}
	applying, err := b.applying(ctx, r.Filter)
	if err != nil {
		return api.Started{}, err
	}
	frozen, existed, err := b.Store.Freeze(ctx, newID(r, key), r.selection, maxEvents+1, func(events []store.Selected, at time.Time) (store.Bulk, []string, error) {
		if events, err = merge(events, applying); err != nil {
			return store.Bulk{}, nil, err
		}
		return r.freeze(events, actor, at)
	})
	switch {
	case err != nil:
		return api.Started{}, unavailable(err)
	case frozen.Total == 0:
		return api.Started{Detail: "no event matches the filter; nothing was done"}, nil
	case !existed || frozen.Ending == "":
		if err := b.start(ctx, frozen, existed); err != nil {
			return api.Started{}, err
		}
	}
	return api.Started{ID: frozen.ID, Total: frozen.Total, TemporalURL: b.Engine.URL(frozen.ID, "")}, nil
}

// selectsAll reports whether the filter selects every event that the action can be done to: it has times only, and no such event is older
// than ReceivedAfter. ReceivedBefore doesn't count: a preview sets it, and it leaves out only what arrived later.
func (b *Bulks) selectsAll(ctx context.Context, r request) (bool, error) {
	switch {
	case !r.selectsByTime():
		return false, nil
	case r.Filter.ReceivedAfter == nil:
		return true, nil
	}
	older, _, err := b.Store.Select(ctx, store.Selection{Ended: r.selection.Ended, ReceivedBefore: *r.Filter.ReceivedAfter}, 1)
	return len(older) == 0, err
}

var participle = map[api.Action]string{api.Retry: "retried", api.Discard: "discarded", api.Replay: "replayed"}

// freeze returns the bulk of the events and their IDs, or a ChangedError if they are not those of the preview.
func (r request) freeze(events []store.Selected, actor string, at time.Time) (store.Bulk, []string, error) {
	changed := r.Set != "" && r.Set != digest(events) || r.Expect != nil && *r.Expect != len(events)
	if changed {
		expected := len(events)
		if r.Expect != nil {
			expected = *r.Expect
		}
		return store.Bulk{}, nil, &ChangedError{Expected: expected, Now: len(events)}
	}
	filter, err := json.Marshal(upTo(r.Filter, at))
	if err != nil {
		return store.Bulk{}, nil, err
	}
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.EventID
	}
	return store.Bulk{Name: cmp.Or(r.Name, string(r.Action)), Action: string(r.Action), Filter: filter, Reason: r.Reason, Actor: actor, Rate: r.Rate}, ids, nil
}

// start starts the workflow. If Temporal doesn't accept it, a bulk that has just been written is taken back, unless it has begun all
// the same; a bulk that existed before is left for the next attempt.
func (b *Bulks) start(ctx context.Context, frozen store.Bulk, existed bool) error {
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err := b.Engine.StartBulk(starting, frozen.ID, summary(frozen))
	if err == nil {
		return nil
	}
	const why = "the workflow of the bulk action could not be started, and nothing was done"
	if existed {
		return &operate.UnavailableError{Source: "temporal", Why: "the bulk action continues when the same request is sent again", Cause: err}
	}
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
	defer cancel()
	switch gone, backErr := b.Store.TakeBack(back, frozen.ID); {
	case backErr != nil:
		return &operate.UnavailableError{Source: "temporal", Why: why + "; " + frozen.ID + " shows it as failing", Cause: err}
	case !gone: // it has begun: Temporal took it, and its answer was lost
		return nil
	}
	return &operate.UnavailableError{Source: "temporal", Why: why, Cause: err}
}

const startTimeout = 5 * time.Second

func summary(b store.Bulk) string {
	return fmt.Sprintf("%s %s: %s", b.Action, words.Count(b.Total, "event"), b.Name)
}

const maxName = 100

// newID returns the ID of a bulk and its workflow: the same for the same key and name.
func newID(r request, key string) string {
	hash := sha256.Sum256([]byte(cmp.Or(key, rand.Text())))
	return "inorder-bulk-" + slug(cmp.Or(r.Name, string(r.Action))) + "-" + hex.EncodeToString(hash[:8])
}

// slug returns a name as it can be a part of an ID in a URL.
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
	s := strings.Join(words, "-")
	return strings.Trim(cmp.Or(s[:min(len(s), 40)], "bulk"), "-")
}

// upTo returns the filter with the time up to which it selects.
func upTo(f api.Filter, at time.Time) api.Filter {
	if f.ReceivedBefore == nil {
		f.ReceivedBefore = &at
	}
	return f
}

// merge adds the events that only Temporal knows, in order.
func merge(events []store.Selected, applying []api.Event) ([]store.Selected, error) {
	for _, e := range applying {
		events = append(events, store.Selected{EventID: e.EventID, ReceivedAt: e.ReceivedAt})
	}
	if len(events) > maxEvents {
		return nil, invalid("filter", fmt.Sprintf("selects more than %d events: narrow it", maxEvents))
	}
	slices.SortStableFunc(events, func(a, b store.Selected) int {
		return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), strings.Compare(a.EventID, b.EventID))
	})
	return events, nil
}

// digest identifies a set of events.
func digest(events []store.Selected) string {
	h := sha256.New()
	for _, e := range events {
		h.Write([]byte(e.EventID + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// unavailable turns an error of PostgreSQL into an UnavailableError. Errors that say what to do, and those of a statement, stay as they are.
func unavailable(err error) error {
	var changed *ChangedError
	var invalid *operate.InvalidError
	var pg *pgconn.PgError
	switch {
	case err == nil, errors.As(err, &changed), errors.As(err, &invalid):
		return err
	case errors.As(err, &pg) && !slices.Contains([]string{"08", "40", "53", "55", "57"}, pg.Code[:min(2, len(pg.Code))]):
		return err
	}
	return &operate.UnavailableError{Source: "postgres", Why: "nothing was done", Cause: err}
}
