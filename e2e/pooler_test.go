package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/config"
	"inorder/internal/ready"
	"inorder/internal/sample"
	"inorder/internal/store"
)

// throughPooler makes the database reachable only through a PgBouncer in transaction mode, with a plain URL, and returns
// the direct URL. If PgBouncer is not installed, the test is skipped; in CI it fails.
func (s *system) throughPooler(serverConns int) (direct string) {
	direct = s.databaseURL()
	pooled, stop, err := stack.PgBouncer(s.t.Context(), direct, serverConns)
	if errors.Is(err, stack.ErrNotInstalled) {
		testenv.Need(s.t, err, "without PgBouncer, no test shows that inorder works behind it")
	}
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, stop()) })
	s.env = append(s.env, "DATABASE_URL="+pooled)
	return direct
}

// dependency returns the state of a dependency in /readyz, or "" while nobody answers.
func (s *system) dependency(name string) string {
	var r ready.Readiness
	resp, err := http.Get(s.url + "/readyz")
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	require.NoError(s.t, json.NewDecoder(resp.Body).Decode(&r))
	return r.Dependencies[name].State
}

func TestBehindATransactionPooler(t *testing.T) {
	t.Parallel()
	shop, api := testenv.StandIn(t, standin.Options{})
	s := newBareSystem(t, testenv.DatabaseURL(t), "HEADLESS_COMMERCE_API_KEY="+standin.DefaultKey, "HEADLESS_COMMERCE_API_URL="+api, "RECONCILE_EVERY=8760h")
	direct := s.throughPooler(3)

	var migrates sync.WaitGroup
	for range 3 {
		migrates.Go(func() {
			if out, code := s.run("migrate"); code != 0 {
				t.Error(out)
			}
		})
	}
	migrates.Wait()
	s.pool = testenv.Pool(t, direct)
	serve := s.serve()
	s.eventually("PostgreSQL answers", func() bool { return s.dependency("postgres") == "ok" })
	s.liveThrough(30)

	_, err := shop.Place(standin.Placement{Count: 5})
	require.NoError(t, err)
	for _, do := range []struct{ command, says string }{
		{"orders reconcile --preview", "compared: 5 missing"}, {"orders reconcile", "5 repaired: 5 missing"}, {"recover", "0 events checked"},
	} {
		if out, code := s.run(strings.Fields(do.command)...); !strings.Contains(out, do.says) {
			t.Errorf("%s: exit code %d\n%s", do.command, code, out)
		}
	}

	require.NoError(t, serve.Process.Signal(syscall.SIGTERM))
	require.NoError(t, serve.Wait())
	s.start("receiver")
	s.start("worker")
	s.awaitReady()
	s.liveThrough(10)
	require.NotContains(t, s.log(), "prepared statement")
	require.NotContains(t, s.log(), "SQLSTATE")
}

// liveThrough delivers the events of that many orders at once: of each, order.paid before order.created, then two refunds, each
// delivered twice. It returns when all are applied.
func (s *system) liveThrough(orders int) {
	at := time.Now().Add(-time.Minute)
	events := make(chan string, 4*orders)
	var all sync.WaitGroup
	for range orders {
		all.Go(func() {
			order := sample.NewID("order_")
			tell := func(eventType string, after time.Duration) {
				id := sample.NewID("evt_")
				body := sample.Event(sample.Options{ID: id, Type: eventType, OrderID: order, At: at.Add(after)})
				s.deliver(body)
				if eventType == "payment.refunded" {
					s.deliver(body)
				}
				events <- id
			}
			tell("order.paid", time.Second)
			tell("order.created", 0)
			tell("payment.refunded", 2*time.Second)
			tell("payment.refunded", 3*time.Second)
		})
	}
	all.Wait()
	close(events)
	var ids []string
	for id := range events {
		ids = append(ids, id)
	}
	s.eventually("all are applied", func() bool {
		return s.count(`SELECT count(*) FROM webhook_events WHERE outcome = 'applied' AND event_id = ANY($1)`, ids) == len(ids)
	})
	require.Equal(s.t, orders, s.count(`SELECT count(DISTINCT o.id) FROM orders o JOIN order_refunds r ON r.order_id = o.id AND r.refunds = 2
		JOIN webhook_events e ON e.order_id = o.id WHERE o.payment_status IN ('refunded', 'partially_refunded', 'paid') AND e.event_id = ANY($1)`, ids))
}

// Only direct connections to the server use prepared statements, even if a pooler is put between later.
func TestOnlyDirectConnectionsPrepare(t *testing.T) {
	t.Parallel()
	s := newBareSystem(t, testenv.MigratedURL(t))
	direct := s.throughPooler(1)
	name := newOutage(t, hostOf(t, direct))
	name.connect()
	c, err := config.PoolConfig(withHost(t, direct, name.Addr()))
	require.NoError(t, err)
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	mode := func() pgx.QueryExecMode {
		conn, err := pool.Acquire(t.Context())
		require.NoError(t, err)
		defer conn.Release()
		return conn.Conn().Config().DefaultQueryExecMode
	}
	require.Equal(t, pgx.QueryExecModeCacheStatement, mode())

	name.cut()
	name.Retarget(hostOf(t, s.databaseURL()))
	name.connect()
	s.eventually("the connections of before are gone", func() bool { return store.New(pool).Ping(t.Context()) == nil })
	require.Equal(t, pgx.QueryExecModeCacheDescribe, mode())
}

func hostOf(t *testing.T, databaseURL string) string {
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	return u.Host
}

func withHost(t *testing.T, databaseURL, host string) string {
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	u.Host = host
	return u.String()
}

// If a setting insists on prepared statements, the log names that setting, and /readyz shows the failure: it uses the database as events do.
func TestASettingThatNoPoolerBearsIsNamed(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.throughPooler(1)
	plain := s.databaseURL()
	url := testenv.WithParameter(plain, "default_query_exec_mode", "cache_statement")
	s.env = append(s.env, "DATABASE_URL="+url)

	c, err := config.PoolConfig(url) // the pooler's only connection now has the statement that serve is about to prepare
	require.NoError(t, err)
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	require.NoError(t, store.New(pool).Ping(t.Context()))

	s.start("receiver")
	var state string
	s.eventually("readyz answers", func() bool {
		state = s.dependency("postgres")
		return state != ""
	})
	require.Equal(t, "failing", state)
	s.eventually("the log says which setting it is", func() bool { return strings.Contains(s.log(), "remove default_query_exec_mode from the URL") })

	s.env = append(s.env, "DATABASE_URL="+testenv.WithParameter(plain, "statement_timeout", "1000"))
	s.start("worker")
	s.eventually("the log says which setting it is", func() bool { return strings.Contains(s.log(), "remove session settings from the URL") })
}
