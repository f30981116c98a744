package e2e

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/delivery"
	"inorder/internal/sample"
)

// nginx and Caddy, configured as in deploy/, stand before two real receivers. The test checks the answers, and kills one receiver under load.
func TestBehindNginxAndCaddyWithTLS(t *testing.T) {
	t.Parallel()
	for name := range edges {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, newSystem(t), 2)
			var upstreams [2]string
			for i, n := range f.nodes {
				n.begin(program)
				upstreams[i] = strings.TrimPrefix(n.url, "http://")
			}
			e := newEdge(t, name, upstreams)
			answers := f.killOneUnderLoad(t, e)
			t.Logf("%s answered: %v", name, answers)
			if name == "nginx" {
				require.Len(t, answers, 1, "nginx asks the other one, whenever a connection breaks")
			}
			for status := range answers {
				require.Contains(t, []int{http.StatusOK, http.StatusBadGateway, http.StatusServiceUnavailable}, status) // 503: a receiver runs but is not ready
			}
			e.requireAnswers(t)
		})
	}
}

// killOneUnderLoad delivers the histories of some orders while a node is killed and restarted. It checks that nothing is lost or
// applied twice, and returns how often each status was answered.
func (f *fleet) killOneUnderLoad(t *testing.T, e *edge) map[int]int {
	t.Helper()
	h := newHistories(uint64(len(e.program)), 40)
	var (
		next    atomic.Int64
		all     sync.WaitGroup
		mu      sync.Mutex
		answers = map[int]int{}
	)
	deliver := func(body []byte) {
		for begin := time.Now(); time.Since(begin) < testenv.Patience; time.Sleep(50 * time.Millisecond) {
			a, err := e.ask(signedPost(body))
			mu.Lock()
			answers[a.status]++ // 0: no answer
			mu.Unlock()
			if err == nil && a.status == http.StatusOK {
				return
			}
		}
		t.Errorf("an event was not accepted within %s", testenv.Patience)
	}
	for range 8 {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(h.deliveries)); i = next.Add(1) - 1 {
				if i == int64(len(h.deliveries)/3) {
					f.nodes[0].kill()
					all.Go(func() { f.nodes[0].begin(program) })
				}
				deliver(h.deliveries[i])
			}
		})
	}
	all.Wait()
	h.check(f.system)
	return answers
}

// nginx and Caddy pass only one path and method on to a receiver, with every byte of the body and the client's address.
func TestNginxAndCaddyPassOnWhatCame(t *testing.T) {
	t.Parallel()
	for name := range edges {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := [2]*upstream{newUpstream(t), newUpstream(t)}
			e := newEdge(t, name, [2]string{u[0].address(), u[1].address()})
			e.requirePassedOn(t, u)
			e.requireKeptAlive(t, u)
			e.requireRefusalsPassedOn(t, u)
		})
	}
}

func (e *edge) requirePassedOn(t *testing.T, u [2]*upstream) {
	plain := sample.Event(sample.Options{Type: "order.paid"})
	odd := []byte("{\"a\":\"\\u00e9\xc3\xa9\", \t\"b\":1.0e2}\r\n\r\n\x00\xff")
	for _, body := range [][]byte{plain, gzipped(plain), odd, bytes.Repeat([]byte("{\r\n}"), mebibyte/4)} {
		for _, chunked := range []bool{false, true} {
			r := signedPost(body, "Content-Encoding", "gzip", "Content-Type", "application/json; charset=utf-8",
				"X-Forwarded-For", "203.0.113.9, 198.51.100.7", "X-Real-Ip", "203.0.113.9")
			r.chunked, r.path = chunked, delivery.Path+"?source=platform"
			a, err := e.ask(r)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, a.status)
			came, bodies := both(u)
			require.Len(t, came, 1)
			require.True(t, bytes.Equal(body, bodies[0]), "the body was changed")
			require.Equal(t, r.path, came[0].RequestURI)
			require.Equal(t, edgeHost, came[0].Host)
			for _, name := range []string{delivery.SignatureHeader, "Content-Encoding", "Content-Type"} {
				require.Equal(t, []string{r.header[name]}, came[0].Header.Values(name))
			}
			require.Equal(t, []string{"127.0.0.1"}, came[0].Header.Values("X-Forwarded-For"), "who connected, and not who it says it is")
		}
	}
	for _, path := range []string{"//webhooks/hc", "/webhooks/./hc", "/webhooks/x/../hc", "/webhooks%2Fhc", "/webhooks/h%63", delivery.Path + "%00", delivery.Path + "#x", "/WEBHOOKS/HC"} {
		_, err := e.ask(request{method: http.MethodPost, path: path, body: plain})
		require.NoError(t, err)
	}
	e.requireNothingElseIsPublic(t)
	came, _ := both(u)
	for _, r := range came {
		require.Equal(t, "POST "+delivery.Path, r.Method+" "+r.RequestURI, "another spelling of the path")
	}
	req, err := http.NewRequest(http.MethodPost, "https://"+edgeHost+delivery.Path, bytes.NewReader(plain))
	require.NoError(t, err)
	req.Host = "10.0.0.1"
	resp, err := e.client.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	came, _ = both(u)
	require.Equal(t, resp.StatusCode == http.StatusOK, len(came) == 1, "what no receiver took is not acknowledged")
}

func (e *edge) requireKeptAlive(t *testing.T, u [2]*upstream) {
	before := u[0].connections.Load() + u[1].connections.Load()
	reused := 0
	for range 20 {
		a, err := e.ask(signedPost([]byte("{}")))
		require.NoError(t, err)
		if a.reused {
			reused++
		}
	}
	// net/http gives up a connection if the goroutine that wrote the request does not run within 50 ms after the answer.
	require.GreaterOrEqual(t, reused, 15, "the sender's connection is kept")
	require.LessOrEqual(t, u[0].connections.Load()+u[1].connections.Load()-before, int64(2), "connections to the receivers are kept")
}

// requireRefusalsPassedOn checks that every 503 reaches the platform with its Retry-After. nginx first tries the other receiver.
func (e *edge) requireRefusalsPassedOn(t *testing.T, u [2]*upstream) {
	both(u)
	for i := range u {
		u[i].answer.Store(http.StatusServiceUnavailable)
	}
	for range 10 {
		a, err := e.ask(signedPost([]byte("{}")))
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, a.status)
		require.Equal(t, "5", a.header.Get("Retry-After"))
	}
	asked, _ := both(u)
	require.Len(t, asked, map[string]int{"nginx": 20, "caddy": 10}[e.program])
	u[0].answer.Store(http.StatusOK)
	var statuses []int
	for range 10 {
		a, err := e.ask(signedPost([]byte("{}")))
		require.NoError(t, err)
		statuses = append(statuses, a.status)
	}
	require.Equal(t, e.program == "nginx", !slices.Contains(statuses, http.StatusServiceUnavailable), "%v", statuses)
}

func both(u [2]*upstream) (came []*http.Request, bodies [][]byte) {
	for i := range u {
		c, b := u[i].all()
		came, bodies = append(came, c...), append(bodies, b...)
	}
	return came, bodies
}
