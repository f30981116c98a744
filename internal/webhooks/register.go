package webhooks

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// DefaultKeep is how long a secret stays valid after its webhook was deleted or replaced, for deliveries that it signed and
// that are retried late.
const DefaultKeep = 24 * time.Hour

// Register makes a lasting webhook for a URL, or finds that it exists. Only one may lead to a URL, because two would deliver
// everything twice. If it exists for other events, the error says how to change it.
//
// It may be run again after it was interrupted. If the webhook was recorded and not activated, it is activated. If it was created
// and not recorded, it is inactive and nobody knows its secret: it is reported, and not deleted, because it may be somebody
// else's. If somebody deleted it, it is registered anew.
func (r Registrar) Register(ctx context.Context, url string, events []string) (record Record, existed bool, err error) {
	list, err := r.List(ctx)
	if err != nil {
		return record, false, err
	}
	for _, w := range list {
		switch {
		case w.URL != url:
		case w.Tag.Listen != "":
			r.say("%s of `inorder listen` has the same URL: until it ends, both deliver", w.ID)
		case w.Record == nil:
			r.reportForeign(w)
		case w.Gone:
			r.say("%s was deleted on the platform by somebody else", w.ID)
			if err := r.Store.Remove(ctx, w.ID, time.Now().Add(DefaultKeep)); err != nil {
				return record, false, err
			}
		case !sameEvents(w.Events, events):
			return record, true, fmt.Errorf("%s is registered already, as %s, for other events: `inorder hooks update %[2]s --events '%s'` changes it",
				url, w.ID, strings.Join(events, ","))
		default:
			if !w.Record.IsActive {
				r.say("%s was disabled on purpose: `inorder hooks enable %[1]s` lets it deliver again", w.ID)
			}
			return *w.Record, true, r.activate(ctx, *w.Record, w.Active)
		}
	}
	record, err = r.Create(ctx, Spec{URL: url, Events: events, Tag: Tag{Owner: r.Owner}})
	return record, false, err
}

// reportForeign says that a webhook which is not ours has the same URL.
func (r Registrar) reportForeign(w Webhook) {
	r.say("%s has the same URL, and was not registered from here: if nobody needs it, `inorder hooks delete --force %[1]s`", w.ID)
}
