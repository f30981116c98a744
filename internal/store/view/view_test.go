package view_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
	"inorder/internal/store/view"
)

// tables is a database with the view of it.
type tables struct {
	*testing.T
	*view.View
	pool *pgxpool.Pool
}

func newTables(t *testing.T) *tables {
	t.Parallel()
	pool := testenv.Database(t)
	return &tables{t, view.New(patientPool{pool}), pool}
}

// patientPool lets a statement take as long as it needs: a server that is stalled for five seconds is not the statement's fault.
type patientPool struct{ *pgxpool.Pool }

func (p patientPool) BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error) {
	o.BeginQuery = strings.Replace(o.BeginQuery, "statement_timeout = '5s'", "statement_timeout = 0", 1)
	return p.Pool.BeginTx(ctx, o)
}

func (s *tables) exec(sql string, args ...any) {
	s.Helper()
	_, err := s.pool.Exec(s.Context(), sql, args...)
	require.NoError(s, err)
}

// at is a time of one day, by its minute.
func at(minute int) time.Time {
	return time.Date(2025, 1, 15, 0, 0, 0, 0, time.UTC).Add(time.Duration(minute) * time.Minute)
}

func (s *tables) ended(id, eventType, order, store, outcome, via string, minute int) {
	s.Helper()
	s.exec(`INSERT INTO webhook_events (event_id, type, order_id, outcome, detail, via, occurred_at, received_at, processed_at, payload)
		VALUES ($1::text, $2::text, nullif($3, ''), $4, 'because', $5, $6, $6, $6, jsonb_build_object('id', $1::text, 'type', $2::text, 'store_id', $7::text))`, id, eventType, order, outcome, via, at(minute), store)
}

func (s *tables) parked(id, eventType, order, store, phase string, minute int) {
	s.Helper()
	s.exec(`INSERT INTO pending_events (event_id, type, order_id, phase, detail, occurred_at, received_at, payload, body)
		VALUES ($1, $2, $3, $4, 'why', $5, $5, jsonb_build_object('store_id', $6::text), '{"type":"x"}')`, id, eventType, order, phase, at(minute), store)
}

func (s *tables) received(id, eventType, order, store string, minute int) {
	s.Helper()
	body := `{"id":"` + id + `","type":"` + eventType + `","store_id":"` + store + `","created_at":"2025-01-15T00:00:00Z","data":{"id":"` + order + `"}}`
	s.exec(`INSERT INTO event_inbox (event_id, order_id, body, received_at, not_before, reason) VALUES ($1, nullif($2, ''), $3, $4, $4, 'later')`, id, order, []byte(body), at(minute))
}

// ids returns the IDs of the events that a filter selects, from all pages of a size.
func (s *tables) ids(f api.Filter, size int) []string {
	s.Helper()
	all := []string{}
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		page, err := s.Events(s.Context(), f, cursor, size)
		require.NoError(s, err)
		require.LessOrEqual(s, len(page.Data), size)
		require.Less(s, pages, 2000)
		all, cursor = append(all, idsOf(page.Data)...), page.NextCursor
	}
	return all
}

func idsOf(events []api.Event) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.EventID)
	}
	return ids
}
