package listen

import (
	"context"
	"fmt"
	"time"

	"inorder/internal/webhooks"
)

// secretOutlives is how long the secret of a deleted webhook stays valid, for deliveries under way.
const secretOutlives = 10 * time.Minute

// Swept is a webhook that was left behind.
type Swept struct {
	webhooks.Webhook
	Why string
}

// Sweep deletes the dead webhooks that a `listen` of this user@host left behind, and calls each with every one first. It never
// touches a webhook without our tag or record, or with another owner's. A webhook of this machine is dead if the lock of its name
// is free; one of another machine with the same user@host, whose locks cannot be seen, is dead after its lease. If dry is true,
// nothing is deleted. Sweep may run twice, even concurrently.
func Sweep(ctx context.Context, r webhooks.Registrar, m Machine, dry bool, each func(Swept)) error {
	return sweep(ctx, r, m, sweeping{dry: dry, each: each, proof: true})
}

type sweeping struct {
	dry   bool
	each  func(Swept)
	proof bool                   // a free lock proves death; else the lease must be over, too
	held  string                 // the name whose lock we hold
	keep  string                 // the ID of our own webhook, which lives
	other func(webhooks.Webhook) // called with each webhook that is not ours; may be nil
}

func sweep(ctx context.Context, r webhooks.Registrar, m Machine, s sweeping) error {
	list, err := r.List(ctx)
	if err != nil {
		return err
	}
	for _, w := range list {
		switch {
		case w.ID == s.keep:
			continue
		case w.Tag.Listen == "" || w.Tag.Owner != m.Owner:
			if s.other != nil {
				s.other(w)
			}
			continue
		}
		if err := s.one(ctx, r, m, w); err != nil {
			return err
		}
	}
	return nil
}

// one deletes a webhook if it is dead. It holds the lock of its name meanwhile.
func (s sweeping) one(ctx context.Context, r webhooks.Registrar, m Machine, w webhooks.Webhook) error {
	over := !w.Tag.Lease.IsZero() && time.Now().After(w.Tag.Lease)
	why := ""
	switch {
	case w.Tag.Machine != m.ID:
		if over {
			why = "its lease ended at " + w.Tag.Lease.Local().Format(time.DateTime)
		}
	case w.Tag.Listen == s.held:
		why = fmt.Sprintf("the `inorder listen` %q that it belonged to is dead", w.Tag.Listen)
	case s.proof || over:
		unlock, free, err := m.try(w.Tag.Listen)
		if err != nil {
			return err
		}
		if free {
			defer unlock()
			why = fmt.Sprintf("no `inorder listen` named %q is running", w.Tag.Listen)
		}
	}
	if why == "" {
		return nil
	}
	s.each(Swept{w, why})
	if s.dry {
		return nil
	}
	_, err := r.Delete(ctx, w.ID, secretOutlives, true)
	return err
}
