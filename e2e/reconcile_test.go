package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
)

func deliveries(t *testing.T) int { return orders(t, 2000) }

func TestLostDeliveriesAreRepairedByOneReconciliation(t *testing.T) {
	t.Parallel()
	p := newStorefront(t, standin.Options{})
	p.serve()
	p.trade(deliveries(t), standin.Faults{Seed: 7, Drop: standin.Fault{Share: 0.05}, Duplicate: standin.Fault{Share: 0.02}, Reorder: standin.Fault{Share: 0.05}})
	lost := p.differing()
	require.NotEmpty(t, lost)
	processed := p.count(`SELECT count(*) FROM webhook_events`)
	t.Logf("%+v; %d orders differ", p.platform.Stats(), len(lost))

	preview := p.reconcile("--preview")
	for _, id := range lost {
		require.Contains(t, preview, id)
	}
	require.Contains(t, preview, "Nothing was changed.")
	require.Len(t, p.differing(), len(lost))

	out := p.reconcile()
	require.Contains(t, out, fmt.Sprintf("%d compared, %d repaired: ", p.platform.Stats().Orders, len(lost)))
	require.Empty(t, p.differing())
	require.Equal(t, p.theirs(), p.ours())
	require.Equal(t, len(lost), p.repairs(), "each once")
	p.eventually("the waiting events continue", func() bool { return p.count(`SELECT count(*) FROM pending_events`) == 0 })
	require.Equal(t, p.theirs(), p.ours(), "and what waited changes nothing that is newer")

	require.Contains(t, p.reconcile(), " 0 repaired: ")
	require.Contains(t, p.reconcile("--since", "24h"), " 0 repaired: ")
	require.Contains(t, p.reconcile(lost[0]), "1 compared, 0 repaired: ")
	require.Contains(t, p.reconcile("--preview"), ": 0 missing, 0 different, 0 changed silently, 0 that cannot be repaired.")
	require.Equal(t, len(lost), p.repairs())
	require.GreaterOrEqual(t, p.count(`SELECT count(*) FROM webhook_events`), processed+len(lost))
	require.NotContains(t, p.log()+out+preview, standin.DefaultKey)
}

func TestReconciliationGoesOnWhenServeIsKilled(t *testing.T) {
	t.Parallel()
	p := newStorefront(t, standin.Options{RetryDelays: []time.Duration{}})
	var held atomic.Bool // the second page of orders is, so that the reconciliation can't end before serve is killed
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if held.Load() && r.URL.Query().Has("starting_after") {
			<-r.Context().Done()
			return
		}
		p.platform.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	p.env = append(p.env, "HEADLESS_COMMERCE_API_URL="+front.URL+"/v1")
	n := orders(t, 1000)
	_, err := p.platform.Place(standin.Placement{Count: n, Actions: []string{"pay"}})
	require.NoError(t, err)
	require.NoError(t, p.platform.WaitIdle(t.Context())) // all deliveries were given up: nobody listens yet
	held.Store(n > 100)
	cmd := p.serve()
	before := p.repairs()

	var out []byte
	ended := make(chan error, 1)
	command := exec.Command(program, "orders", "reconcile")
	command.Env = p.env
	go func() {
		var err error
		out, err = command.CombinedOutput()
		ended <- err
	}()
	p.eventually("it is in the middle", func() bool { return p.repairs() > before+n/20 })
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.NotEmpty(t, p.differing())
	held.Store(false)
	p.serve()
	require.NoError(t, <-ended, string(out))

	require.Equal(t, p.theirs(), p.ours())
	require.Equal(t, n, p.repairs(), "each once")
	require.Contains(t, p.reconcile(), " 0 repaired: ")
}

func TestSinceFetchesOrdersThatAreOlderThanTheirWebhooks(t *testing.T) {
	t.Parallel()
	var ago atomic.Int64
	p := newStorefront(t, standin.Options{RetryDelays: []time.Duration{}, Now: func() time.Time { return time.Now().Add(-time.Duration(ago.Load())) }})
	place := func(n int, actions ...string) {
		_, err := p.platform.Place(standin.Placement{Count: n, Actions: actions})
		require.NoError(t, err)
		require.NoError(t, p.platform.WaitIdle(t.Context())) // nobody listens
	}
	ago.Store(int64(10 * 24 * time.Hour))
	place(120, "pay", "ship", "complete")
	place(5, "pay")
	ago.Store(0)
	place(7)
	p.serve()
	require.Contains(t, p.reconcile(), "12 compared, 12 repaired: 12 missing", "the recent and the open ones")
	require.Contains(t, p.reconcile("--since", "480h", "--preview"), "132 compared: 120 missing, 0 different")
	require.Contains(t, p.reconcile("--since", "480h"), "132 compared, 120 repaired: 120 missing")
	require.Equal(t, p.theirs(), p.ours())
}

func TestAnEventWhoseOrderWasLostFetchesIt(t *testing.T) {
	t.Parallel()
	p := newStorefront(t, standin.Options{SparseOrders: true}, "RECONCILE_AFTER=1s", "PENDING_RECHECK=500ms")
	p.serve()
	p.trade(1, standin.Faults{Drop: standin.Fault{Next: 1}}) // order.created
	order := p.platform.Orders()[0].ID
	for _, action := range []string{"pay", "ship"} {
		_, err := p.platform.Advance(order, action)
		require.NoError(t, err)
	}
	p.eventually("the order is here, and nothing waits", func() bool {
		return len(p.ours()) == 1 && p.count(`SELECT count(*) FROM pending_events`) == 0
	})
	require.Equal(t, p.theirs(), p.ours())
	require.Equal(t, 1, p.repairs())
}

func TestReconcileSaysWhatIsNotSetAndWhyItDoesNotGoOn(t *testing.T) {
	t.Parallel()
	t.Run("a worker without a key", func(t *testing.T) {
		s := newSystem(t)
		s.serve()
		out, code := s.run("orders", "reconcile")
		require.Equal(t, 1, code)
		require.Contains(t, out, "inorder: nothing was done: HEADLESS_COMMERCE_API_KEY is not set where the worker runs")
	})
	t.Run("a wrong key, and a command that is interrupted and attaches again", func(t *testing.T) {
		p := newStorefront(t, standin.Options{}, "HEADLESS_COMMERCE_API_KEY=sk_test_wrong")
		p.serve()
		const why = "check HEADLESS_COMMERCE_API_KEY"
		first := p.interruptWhen(why)
		require.Contains(t, first, "started as workflow inorder-reconcile-orders-by-hand")
		require.Contains(t, first, "The reconciliation continues without this command")
		second := p.interruptWhen(why)
		require.Contains(t, second, "it is already running")

		preview, code := p.run("orders", "reconcile", "--preview")
		require.Equal(t, 1, code)
		require.Contains(t, preview, why)
		require.NotContains(t, preview, "\n", "one line")
		require.NotContains(t, first+second+preview+p.log(), "sk_test_wrong")
	})
}

// interruptWhen runs `orders reconcile` until it prints the text, and interrupts it. It returns everything that the command printed.
func (p *storefront) interruptWhen(says string) string {
	p.t.Helper()
	command := exec.Command(program, "orders", "reconcile")
	command.Env = p.env
	lines, err := command.StderrPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, command.Start())
	defer func() { _ = command.Process.Kill() }() // if the text never appears
	var said strings.Builder
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		fmt.Fprintln(&said, scanner.Text())
		if strings.Contains(scanner.Text(), says) {
			require.NoError(p.t, command.Process.Signal(os.Interrupt))
		}
	}
	require.NoError(p.t, command.Wait(), said.String())
	return said.String()
}
