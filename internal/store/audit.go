package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"inorder"
)

// Act is what a person did, as audit_log keeps it.
type Act struct {
	ID     string // identifies the act, so that it is recorded once; "" if it can't be recorded twice
	Actor  string
	Action string // see the constants
	Reason string
	BulkID string
	Via    ActVia

	EventID, OrderID string // set by Apply and Discard
	Result           string // in words; set by Apply and Discard
}

// ActVia is where a person acted.
type ActVia string

const (
	ViaAPI      ActVia = "api"
	ViaTemporal ActVia = "temporal"
)

// The actions of the audit.
const (
	ActRetry   = "retry"
	ActDiscard = "discard"
	ActCancel  = "cancel" // of a workflow in Temporal
	ActReplay  = "replay"
	ActAmend   = "amend"
	ActBulk    = "bulk" // a bulk action as a whole
	ActStop    = "stop" // of a bulk action
)

const insertAuditSQL = `
INSERT INTO audit_log (actor, action, event_id, order_id, bulk_id, via, reason, result, act_id)
VALUES ($1, $2, nullif($3, ''), nullif($4, ''), nullif($5, ''), $6, $7, $8, nullif($9, ''))
ON CONFLICT (act_id) DO NOTHING`

func (a *Act) row() []any {
	return []any{inorder.Bounded(a.Actor), a.Action, a.EventID, indexable(a.OrderID), a.BulkID, a.Via, inorder.Bounded(a.Reason), inorder.Bounded(a.Result), a.ID}
}

// Audit records an act that writes nothing else. It may run twice if the act has an ID.
func (s *Store) Audit(ctx context.Context, a Act) error {
	return s.exec(ctx, insertAuditSQL, a.row()...)
}

const selectActsSQL = `SELECT act_id FROM audit_log WHERE act_id = ANY($1)`

// queueActs reads which of the events' acts have been done already.
func (t *transaction) queueActs(b *pgx.Batch) {
	var ids []string
	for i := range t.entries {
		if act := t.entries[i].Act; act != nil && act.ID != "" {
			ids = append(ids, act.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	b.Queue(selectActsSQL, ids).Query(EachRow(func(row pgx.Row) error {
		var id string
		err := row.Scan(&id)
		for i := range t.entries {
			if e := &t.entries[i]; e.Act != nil && e.Act.ID == id {
				e.acted = true
			}
		}
		return err
	}))
}

// queueAudit records what became of the events on which people acted.
func (t *transaction) queueAudit(b *pgx.Batch) {
	for i := range t.entries {
		e := &t.entries[i]
		if e.Act == nil || e.acted || e.Busy || e.Amended {
			continue
		}
		act := *e.Act
		act.EventID, act.OrderID, act.Result = e.ID, e.Change.OrderID, e.result()
		if act.Result != "" {
			b.Queue(insertAuditSQL, act.row()...)
		}
	}
}

// result returns in words what an act did; "" if it did nothing and must not be recorded.
func (e *entry) result() string {
	now := string(e.Outcome)
	switch {
	case e.Act.Action == ActReplay && e.former == nil && e.Recorded:
		return "nothing: it had ended in the meantime, as " + now
	case e.Act.Action == ActReplay && e.former == nil:
		return fmt.Sprintf("it had not ended; now %s", now)
	case e.Act.Action == ActReplay && e.kept:
		return fmt.Sprintf("still %s: the replay changed nothing. %s", now, e.former)
	case e.Act.Action == ActReplay:
		return fmt.Sprintf("now %s. %s", now, e.former)
	case e.Recorded && e.Act.Via == ViaAPI: // the caller is told that the action does not fit
		return ""
	case e.Recorded:
		return "nothing: it had ended as " + now
	}
	return now
}
