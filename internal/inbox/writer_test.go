package inbox_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/internal/inbox"
)

func TestEventsOfOneInstantAreWrittenTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const n = 500
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			duplicate, err := r.writer.Put(paid(t, i), 0)
			if err != nil || duplicate {
				t.Error(duplicate, err)
			}
		})
	}
	all.Wait()
	require.Equal(t, n, r.count(`SELECT count(*) FROM event_inbox`))
	require.Less(t, r.count(`SELECT count(DISTINCT xmin::text) FROM event_inbox`), n/4, "transactions")
	require.Equal(t, string(paid(t, 7).Body), func() (body string) {
		require.NoError(t, r.pool.QueryRow(t.Context(), `SELECT convert_from(body, 'UTF8') FROM event_inbox WHERE event_id = 'evt_paid_7'`).Scan(&body))
		return body
	}(), "byte for byte")
}

func TestWhatIsKnownIsADuplicate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	put := func(e inorder.Event) bool {
		duplicate, err := r.writer.Put(e, time.Hour)
		require.NoError(t, err)
		return duplicate
	}
	here, ended, waiting := paid(t, 1), paid(t, 2), paid(t, 3)
	r.exec(`INSERT INTO webhook_events (event_id, type, outcome, payload, received_at) VALUES ($1, 'order.paid', 'stale', '{}', $2)`, ended.ID, ended.ReceivedAt)
	r.exec(`INSERT INTO pending_events (event_id, order_id, type, payload, occurred_at, received_at, phase) VALUES ($1, 'order_3', 'order.paid', '{}', now(), $2, 'waiting')`,
		waiting.ID, waiting.ReceivedAt)
	require.False(t, put(here))
	require.Equal(t, 1, r.count(`SELECT count(*) FROM event_inbox`))

	t.Run("not this very delivery, whose workflow was quicker", func(t *testing.T) {
		require.False(t, put(ended))
		require.False(t, put(waiting))
	})
	t.Run("a later delivery", func(t *testing.T) {
		for _, e := range []inorder.Event{here, ended, waiting} {
			e.ReceivedAt = e.ReceivedAt.Add(time.Second)
			require.True(t, put(e), e.ID)
		}
	})
	require.Equal(t, 1, r.count(`SELECT count(*) FROM event_inbox`), "nothing else was written")
}

// An order ID that PostgreSQL doesn't accept does no harm to the other events of the group.
func TestTextThatPostgreSQLRefusesIsNoErrorOfTheGroup(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(event(t, "evt_nul", "order.paid", 0, `{"order_id":"a\u0000b"}`), event(t, "evt_utf8", "order.paid", 0, "{\"order_id\":\"\xff\"}"), paid(t, 1))
	require.Equal(t, 3, r.count(`SELECT count(*) FROM event_inbox`))
}

func TestWithoutPostgreSQLTheInboxRefusesAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.exec(`ALTER TABLE event_inbox RENAME TO away`)
	r.eventually("it refuses at once", func() bool { // for a second; a machine that stalls may miss it, and then it is tried, fails, and is closed again
		_, err := r.writer.Put(paid(t, 9), 0)
		if err == nil {
			t.Error("written without a table")
		}
		return errors.Is(err, inbox.ErrAway) && !r.writer.Open()
	})
	r.exec(`ALTER TABLE away RENAME TO event_inbox`)
	r.eventually("it opens again", func() bool {
		_, err := r.writer.Put(paid(t, 10), 0)
		return err == nil
	})
}
