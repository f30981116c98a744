package reconcile_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/platform"
	"inorder/internal/reconcile"
	"inorder/internal/store"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// shop is a stand-in and a database. A test may answer for the stand-in's API.
type shop struct {
	reconcile.Comparer
	t        *testing.T
	pool     *pgxpool.Pool
	platform *standin.Server
	refuse   func(*http.Request) bool
}

func newShop(t *testing.T) *shop {
	s := &shop{t: t, pool: testenv.Database(t), platform: standin.New(standin.Options{})}
	t.Cleanup(s.platform.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.refuse != nil && s.refuse(r) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.platform.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	api, err := platform.New(platform.Options{APIKey: standin.DefaultKey, BaseURL: server.URL + "/v1", MaxRetries: -1})
	require.NoError(t, err)
	s.Comparer = reconcile.Comparer{Store: store.New(s.pool), Platform: api, Metrics: reconcile.NewMetrics(nil)}
	return s
}

// place creates orders on the platform whose events never reach us.
func (s *shop) place(n int) (ids []string) {
	s.t.Helper()
	orders, err := s.platform.Place(standin.Placement{Count: n, Actions: []string{"pay"}})
	require.NoError(s.t, err)
	for _, o := range orders {
		ids = append(ids, o.ID)
	}
	return ids
}

// know writes a row of an order here, as if its events had come ten days ago.
func (s *shop) know(id, status string) {
	s.t.Helper()
	_, err := s.pool.Exec(s.t.Context(), `
INSERT INTO orders (id, store_id, status, status_at, data, data_at, data_rank, data_event_id, last_webhook_at, created_at)
VALUES ($1, 'store_1', $2, now() - interval '1 day', '{}', now() - interval '1 day', 0, 'x', now() - interval '1 day', now() - interval '10 days')`, id, status)
	require.NoError(s.t, err)
}

// preview returns the result, and what is printed of each order that drifted.
func (s *shop) preview(named ...string) (reconcile.Preview, map[string]string) {
	s.t.Helper()
	says := map[string]string{}
	p, err := s.Preview(s.t.Context(), named, time.Now().Add(-time.Hour), func(o reconcile.Compared) {
		require.NotContains(s.t, says, o.OrderID, "each order once")
		says[o.OrderID] = string(o.Drift) + ": " + o.String()
	})
	require.NoError(s.t, err)
	return p, says
}

func TestAPreviewSaysWhatDriftedAndChangesNothing(t *testing.T) {
	s := newShop(t)
	ids := s.place(130)
	s.know(ids[0], "pending")
	s.know("order_gone", "confirmed")

	p, says := s.preview()
	require.Equal(t, 131, p.Compared)
	require.Equal(t, 129, p.Missing)
	require.Equal(t, 1, p.Different)
	require.Equal(t, 1, p.Unrepaired)
	require.Empty(t, p.Stopped)
	require.Len(t, says, 131)
	require.Contains(t, says[ids[0]], "different: status is pending, the platform has confirmed; payment_status is not known, the platform has paid")
	require.Contains(t, says[ids[1]], "missing: confirmed, paid, unfulfilled, ")
	require.Contains(t, says[ids[1]], "payment completed")
	require.Equal(t, ": the platform does not know it in test mode", says["order_gone"], "it is open here alone")
	require.Equal(t, []string{"order order_gone: the platform does not know it in test mode"}, p.Notes)

	var rows int
	require.NoError(t, s.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM webhook_events)`).Scan(&rows))
	require.Equal(t, 2, rows)
}

func TestAPreviewOfNamedOrdersComparesNoOthers(t *testing.T) {
	s := newShop(t)
	ids := s.place(3)
	p, says := s.preview(ids[0], ids[0], "order_1")
	require.Equal(t, reconcile.Totals{Compared: 2, Missing: 1, Unrepaired: 1, Notes: []string{"order order_1: the platform does not know it in test mode"}}, p.Totals)
	require.Len(t, says, 2)
}

func TestAPreviewSaysWhyNotAllOrdersWereCompared(t *testing.T) {
	s := newShop(t)
	s.place(130)
	s.refuse = func(r *http.Request) bool { return r.URL.Query().Has("starting_after") }
	p, _ := s.preview()
	require.Equal(t, 100, p.Missing)
	require.Len(t, p.Stopped, 1)
	require.Regexp(t, `^the orders created since .*400 Bad Request`, p.Stopped[0])
}

func TestTextsOfOrdersWithoutAnIDNameTheirPlace(t *testing.T) {
	totals := reconcile.Totals{}
	totals.AddUnrepaired(reconcile.Compared{Where: "order 3 on page 1 of the orders that are draft"}, "there is no order ID")
	require.Equal(t, []string{"order 3 on page 1 of the orders that are draft: there is no order ID"}, totals.Notes)
	totals.AddRepaired(inorder.DriftSilent)
	require.Equal(t, "0 missing, 0 different, 1 changed silently", totals.ByDrift())
	require.Equal(t, 1, totals.Repaired())
}
