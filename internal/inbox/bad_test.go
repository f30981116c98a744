package inbox_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/store"
)

// One event makes each of its transactions fail, for now or for good. It delays only itself.
func TestAPoisonousEventDelaysOnlyItself(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sqlstate, ends string }{
		"for now":  {"40001", "applied via inbox"},
		"for good": {"23514", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF NEW.event_id = 'evt_created_77' THEN RAISE EXCEPTION 'no' USING ERRCODE = '` + c.sqlstate + `'; END IF; RETURN NEW; END $$`)
			r.exec(`CREATE TRIGGER refuse BEFORE INSERT ON webhook_events FOR EACH ROW EXECUTE FUNCTION refuse()`)
			for i := range 200 {
				r.put(created(t, i))
			}
			r.drain(nil)
			r.eventually("the others are applied", func() bool { return r.count(`SELECT count(*) FROM webhook_events`) == 199 })
			if c.ends == "" {
				r.emptied()
				require.Equal(t, []string{"evt_created_77"}, r.allStarted(), "its workflow parks it")
				return
			}
			r.eventually("it says why", func() bool {
				return r.count(`SELECT count(*) FROM event_inbox WHERE reason LIKE 'it could not be applied: %'`) == 1
			})
			r.exec(`DROP TRIGGER refuse ON webhook_events`)
			r.emptied()
			require.Equal(t, c.ends, r.outcome("evt_created_77"))
		})
	}
}

// Every batch has one event that PostgreSQL refuses for good, one that it refuses for now, and one whose order is locked.
func TestBadEventsInEveryBatchDelayOnlyThemselves(t *testing.T) {
	t.Parallel()
	const batches, size = 10, 256
	r := newRig(t)
	r.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.event_id LIKE '%_lasting' THEN RAISE EXCEPTION 'no' USING ERRCODE = '23514'; END IF;
		IF NEW.event_id LIKE '%_for_now' THEN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END IF; RETURN NEW; END $$`)
	r.put(event(t, "evt_locked", "order.created", 0, `{"id":"order_locked","status":"pending"}`))
	r.drain(nil)
	r.emptied()
	r.exec(`CREATE TRIGGER refuse BEFORE INSERT ON webhook_events FOR EACH ROW EXECUTE FUNCTION refuse()`)
	tx, err := r.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT FROM orders WHERE id = 'order_locked' FOR UPDATE`)
	require.NoError(t, err)

	var all []store.InboxEvent
	for b := range batches {
		data := func(kind string) string { return fmt.Sprintf(`{"id":"order_%d_%s","status":"pending"}`, b, kind) }
		batch := []inorder.Event{
			event(t, fmt.Sprintf("evt_%d_lasting", b), "order.created", 0, data("lasting")),
			event(t, fmt.Sprintf("evt_%d_for_now", b), "order.created", 0, data("for_now")),
			event(t, fmt.Sprintf("evt_%d_locked", b), "order.paid", b+1, `{"order_id":"order_locked","payment_status":"paid"}`),
		}
		for i := len(batch); i < size; i++ {
			batch = append(batch, created(t, b*size+i))
		}
		for _, e := range batch {
			all = append(all, store.InboxEvent{Event: e})
		}
	}
	_, err = r.store.PutInbox(t.Context(), all)
	require.NoError(t, err)
	r.eventually("the good ones are applied", func() bool {
		return r.count(`SELECT count(*) FROM webhook_events WHERE event_id LIKE 'evt_created_%'`) == batches*(size-3)
	})
	r.eventually("those that are refused for good are workflows", func() bool { return r.starts("evt_0_lasting") > 0 && r.starts("evt_9_lasting") > 0 })
	require.NoError(t, tx.Rollback(t.Context()))
	r.exec(`DROP TRIGGER refuse ON webhook_events`)
	r.eventually("the others are applied", func() bool {
		return r.count(`SELECT count(*) FROM webhook_events WHERE event_id LIKE '%_for_now' OR event_id LIKE 'evt_%_locked'`) == 2*batches
	})
	r.emptied()
}
