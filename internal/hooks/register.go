package hooks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"inorder/internal/endpoints"
)

// DefaultKeep is how long a secret stays valid after its webhook was deleted or replaced, for deliveries that it signed and
// that are retried late.
const DefaultKeep = 24 * time.Hour

// Register makes a lasting webhook for a URL, or finds that it is there; existed tells which. Only one may lead to a URL,
// because two would deliver everything twice. One that is there for other events is an error that says how to change it.
//
// Interrupted, it may be run again. One that was recorded and not activated is activated. One that was created and not
// recorded is inactive, and nobody knows its secret: it is pointed out, and not deleted, because it may be somebody else's.
// One that somebody deleted is registered anew.
func (r Registrar) Register(ctx context.Context, url string, events []string) (e endpoints.Endpoint, existed bool, err error) {
	there, err := r.List(ctx)
	if err != nil {
		return e, false, err
	}
	there = slices.DeleteFunc(there, func(w Webhook) bool { return w.URL != url })
	for _, w := range there {
		switch {
		case w.Tag.Listen != "":
			r.say("%s of `inorder listen` has the same URL: until it ends, both deliver", w.ID)
		case w.Record == nil:
			r.pointOut(w)
		case w.Gone:
			r.say("%s was deleted on the platform by somebody else", w.ID)
			if err := r.Store.Remove(ctx, w.ID, r.Clock().Add(DefaultKeep)); err != nil {
				return e, false, err
			}
		case !sameEvents(w.Events, events):
			return e, true, fmt.Errorf("%s is registered already, as %s, for other events: `inorder hooks update %[2]s --events '%s'` changes it",
				url, w.ID, strings.Join(events, ","))
		default:
			return *w.Record, true, r.complete(ctx, w)
		}
	}
	e, err = r.Create(ctx, New{URL: url, Events: events, Tag: Tag{Owner: r.Owner}})
	return e, false, err
}

func (r Registrar) pointOut(w Webhook) {
	r.say("%s has the same URL, and was not registered from here: if nobody needs it, `inorder hooks delete --force %[1]s`", w.ID)
}

// complete activates what is there and should be active.
func (r Registrar) complete(ctx context.Context, w Webhook) error {
	if !w.Record.IsActive {
		r.say("%s was disabled on purpose: `inorder hooks enable %[1]s` lets it deliver again", w.ID)
	}
	return r.activate(ctx, *w.Record, w.Active)
}

func sameEvents(a, b []string) bool { return len(without(a, b)) == 0 && len(without(b, a)) == 0 }
