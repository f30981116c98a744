package refused

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/delivery"
	"inorder/internal/loglimit"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// flaky is a database that may be away.
type flaky struct {
	*pgxpool.Pool
	mu   sync.Mutex
	away bool
}

func (f *flaky) set(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

func (f *flaky) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return tag, errors.New("connection refused")
	}
	return f.Pool.Exec(ctx, sql, args...)
}

// rig is a keeper on a database, at a time that tests set.
type rig struct {
	*testing.T
	*Keeper
	db   *flaky
	mu   sync.Mutex
	now  time.Time
	logs *testenv.Output
}

func newRig(t *testing.T) *rig {
	t.Parallel()
	log, logs := testenv.Logs(t)
	r := &rig{T: t, db: &flaky{Pool: testenv.Database(t)}, now: time.Now(), logs: logs}
	r.Keeper = New(Options{Secrets: func() Secrets { return Secrets{Keys: keys} }, Table: Table{r.db}, Metrics: NewMetrics(prometheus.NewRegistry()), Log: loglimit.New(log, loglimit.Every), Now: r.clock})
	return r
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

var strangers = of(body, delivery.SignatureHeader, delivery.Sign("whsec_stranger", []byte(body)))

// refuse does what the receiver does.
func (r *rig) refuse(client string, change func(*Refusal)) bool {
	x := Refusal{Delivery: strangers, Reason: BadSignature, Status: 401, Client: netip.MustParseAddr(client), Bytes: int64(len(body))}
	x.At = r.clock()
	if change != nil {
		change(&x)
	}
	at, ok := r.Admit(x.Authentic, x.Client, len(x.Body))
	if ok {
		r.Keep(at, x)
	}
	return ok
}

func (r *rig) count(where string) (n int) {
	r.Helper()
	require.NoError(r, r.db.QueryRow(r.Context(), `SELECT count(*) FROM refused_deliveries WHERE `+where).Scan(&n))
	return n
}

func (r *rig) eventually(where string, n int) {
	r.Helper()
	require.Eventually(r, func() bool { return r.count(where) == n }, testenv.Patience, 50*time.Millisecond, "%s: %d, %s", where, r.count(where), r.logs)
}

func (r *rig) run() (stop func()) {
	ctx, cancel := context.WithCancel(r.Context())
	var running sync.WaitGroup
	running.Go(func() { r.Keeper.Run(ctx) })
	return func() { cancel(); running.Wait() }
}

func (r *rig) drops(why string) int { return int(testutil.ToFloat64(r.o.Metrics.drops[why])) }

func TestASampleSaysWhyAndNothingElse(t *testing.T) {
	r := newRig(t)
	stop := r.run()
	const canary = "canary"
	secretive := strings.Replace(body, `"note":"café <a/b> 완료"`, `"email":"canary@example.com","note":"canary"`, 1)
	r.refuse("2001:db8::7", func(x *Refusal) {
		x.Delivery = of(secretive, delivery.SignatureHeader, strings.ToUpper(sign(secretive)), "content-type", "application/json; token=canary", "User-Agent", "canary", "Authorization", "Bearer canary",
			"X-canary_1", "1", "Cookie", "canary", "Content-Encoding", "can=ary")
		x.At = r.clock()
	})
	r.eventually(`evidence = 'secret' AND causes = '{upper_case}' AND secret_name = '11111111' AND network = '2001:db8::/64' AND event_id = 'evt_1' AND order_id = 'order_1'
		AND type = 'order.paid' AND octet_length(body_hash) = 32 AND content_type = 'application/json' AND content_encoding = '' AND user_agent = ''`, 1)
	stop()
	rows, err := r.db.Query(t.Context(), `SELECT r::text FROM refused_deliveries r`)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	text := strings.Join(all, "\n") + r.logs.String()
	require.Contains(t, text, "Cookie", "the names of headers")
	for _, k := range keys {
		require.NotContains(t, text, string(k.Secret))
	}
	require.NotContains(t, strings.ToLower(text), canary)
	require.NotContains(t, strings.ToLower(text), sign(secretive))
}

func TestEveryReasonIsKept(t *testing.T) {
	r := newRig(t)
	stop := r.run()
	r.refuse("192.0.2.1", func(x *Refusal) {
		x.Reason, x.Status, x.Authentic, x.Body, x.Detail = BadEvent, 400, true, []byte(`{"id":"evt_2"}`), "type is missing"
	})
	r.refuse("192.0.2.1", func(x *Refusal) {
		x.Reason, x.Status, x.Body, x.Bytes, x.Detail = TooLarge, 413, nil, -1, "the body is over the limit"
	})
	r.refuse("192.0.2.1", func(x *Refusal) {
		x.Reason, x.Status, x.Authentic, x.Detail = Unavailable, 503, true, "Temporal has not answered lately"
	})
	r.refuse("192.0.2.1", func(x *Refusal) { x.Client = netip.Addr{} }) // of a test without an address
	r.eventually(`reason = 'bad_event' AND summary LIKE '%: type is missing.' AND evidence = 'secret'`, 1)
	r.eventually(`reason = 'too_large' AND bytes IS NULL AND body_hash IS NULL AND evidence = 'none'`, 1)
	r.eventually(`reason = 'unavailable' AND event_id = 'evt_1' AND summary = 'Temporal has not answered lately.'`, 1)
	r.eventually(`reason = 'bad_signature' AND causes = '{no_match}'`, 1)
	stop()
}

// A flood from everywhere leaves a bounded number of rows. What came before it stays, and so does what comes by a known secret or address.
func TestAFloodIsBoundedAndKeepsWhatMatters(t *testing.T) {
	r := newRig(t)
	stop := r.run()
	r.refuse("203.0.113.1", nil) // a secret that was lost, before anything else
	r.eventually(`client = '203.0.113.1'`, 1)
	r.Delivered(netip.MustParseAddr("198.51.100.9"), r.clock())
	began := time.Now()
	for i := range 100_000 {
		client := fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		if i%2 == 1 {
			client = fmt.Sprintf("2001:db8:%x:%x::%x", i>>12, i&15, i&0xffff) // 16 networks for each 4096
		}
		r.refuse(client, nil)
		if i%1000 == 0 {
			r.advance(5 * time.Second) // a flood of 200 a second
		}
		if i == 50_000 {
			require.True(t, r.refuse("198.51.100.9", nil), "strangers leave its places alone")
			r.refuseUntilKept("203.0.113.2", func(x *Refusal) { x.Delivery = signed(body+"\n", body); x.At = r.clock() })
		}
	}
	t.Log("a refusal took", time.Since(began)/100_000)
	r.eventually(`client = '203.0.113.2' AND evidence = 'secret' AND causes = '{newline}'`, 1)
	r.eventually(`client = '198.51.100.9' AND evidence = 'address'`, 1)
	stop()
	require.Equal(t, 1, r.count(`client = '203.0.113.1'`), "what came first")
	require.Less(t, r.count(`evidence = 'none'`), 2*keptOfKind)
	require.Greater(t, r.drops(dropQueue), 90_000)
}

// refuseUntilKept delivers again until the refusal is kept, as the platform tries again.
func (r *rig) refuseUntilKept(client string, change func(*Refusal)) {
	require.Eventually(r, func() bool { return r.refuse(client, change) }, testenv.Patience, time.Millisecond)
}

func TestOneSenderHasFewPlaces(t *testing.T) {
	r := newRig(t)
	for i := range 100 {
		r.refuse(fmt.Sprintf("2001:db8::%x", i), nil) // one network
	}
	require.Equal(t, 100-maxQueuedOf, r.drops(dropQueue))
	require.True(t, r.refuse("2001:db8:0:1::1", nil), "another one")
	require.False(t, r.refuse("192.0.2.1", func(x *Refusal) { x.Body = make([]byte, maxQueuedBytes) }), "bodies take bounded memory")
	defer r.run()()
	r.eventually(`network = '2001:db8::/64'`, perPlace)
	r.eventually(`network = '2001:db8:0:1::/64'`, 1)
	require.Eventually(t, func() bool { return r.drops(dropRate) == maxQueuedOf-perPlace }, testenv.Patience, 10*time.Millisecond)
}
