package receiver

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/delivery"
	"inorder/internal/inbox"
	"inorder/internal/store"
)

// PostgreSQL's clock decides what is due. A receiver whose clock is ahead must not delay the events that it writes.
func TestWhatAReceiverOfAnotherTimeWritesIsDueAtOnce(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, testenv.MigratedURL(t))
	writer := inbox.NewWriter(store.New(pool), func() {})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { writer.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })

	w := newWays(&slowStarter{err: errors.New("away")}, nil)
	w.inbox, w.now = writer, func() time.Time { return time.Now().Add(2 * time.Hour) }
	e := one
	e.Body, e.ReceivedAt = []byte(`{"id":"evt_1","type":"order.paid"}`), w.now()
	result, err := w.accept(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, delivery.ResultSpilled, result)
	var due bool
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT not_before <= now() FROM event_inbox WHERE event_id = 'evt_1'`).Scan(&due))
	require.True(t, due)
}
