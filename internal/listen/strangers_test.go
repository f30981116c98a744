package listen

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/delivery"
)

const event = `{"id":"evt_1","type":"order.paid","created_at":"2026-01-01T00:00:00Z","data":{"id":"order_1"}}`

func TestWhatIsNotAuthenticIsNotPassedOn(t *testing.T) {
	t.Parallel()
	url, deliveries := pair(t, func(http.ResponseWriter, *http.Request) { t.Error("nothing comes through") })
	right := delivery.Sign(secret, []byte(event))
	for name, tc := range map[string]struct {
		body       string
		signatures []string
		status     int
		answer     string
		shown      refusal
	}{
		"no signature":        {event, nil, 401, "Invalid signature\n", unsigned},
		"no digits":           {event, []string{"sha256=" + right}, 401, "Invalid signature\n", unsigned},
		"upper case":          {event, []string{strings.ToUpper(right)}, 401, "Invalid signature\n", unsigned},
		"two signatures":      {event, []string{right, right}, 401, "Invalid signature\n", unsigned},
		"another's secret":    {event, []string{delivery.Sign("whsec_other", []byte(event))}, 401, "Invalid signature\n", forged},
		"another body":        {event + " ", []string{right}, 401, "Invalid signature\n", forged},
		"too large":           {strings.Repeat(" ", 1<<20+1), []string{right}, 413, "Request Entity Too Large\n", tooLarge},
		"far too large":       {strings.Repeat(" ", 16<<20), []string{right}, 413, "Request Entity Too Large\n", tooLarge},
		"too large, unsigned": {strings.Repeat(" ", 1<<20+1), nil, 413, "Request Entity Too Large\n", tooLarge},
	} {
		for _, chunked := range []bool{false, true} {
			if chunked && name == "too large, unsigned" { // only a Content-Length shows the size before the signature is checked
				continue
			}
			t.Run(fmt.Sprintf("%s, chunked %t", name, chunked), func(t *testing.T) {
				var body io.Reader = strings.NewReader(tc.body)
				if chunked {
					body = io.MultiReader(body)
				}
				q, err := http.NewRequest(http.MethodPost, url+"/webhooks/hc", body)
				require.NoError(t, err)
				q.Header[delivery.SignatureHeader] = tc.signatures
				status, answer := do(t, q)
				require.Equal(t, tc.status, status)
				require.Equal(t, tc.answer, answer)
				require.Equal(t, Delivery{Err: tc.shown}, <-deliveries, "nothing of it is shown")
			})
		}
	}
}

func TestOfWhatIsRefusedTheFirstIsShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // so that all of them come at the same time, however busy the machine is
		var out testenv.Output
		p := newPrinter(&out)
		for range 1000 {
			p.delivery(Delivery{Err: forged}, "")
			p.delivery(Delivery{Err: unsigned}, "")
		}
		require.Equal(t, 2, strings.Count(out.String(), "\n"))
		time.Sleep(countFor)
		synctest.Wait()
		require.Equal(t, 2, strings.Count(out.String(), "(999 more within 10s)"), "%s", &out)
		require.Equal(t, 4, strings.Count(out.String(), "\n"))
		require.Contains(t, out.String(), "(refused)              401: its signature matches no secret in WEBHOOK_SECRETS")
	})
}

// half announces a body of that length, sends only its beginning, and returns the open connection.
func half(t *testing.T, url, signature string, length, sent int) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = fmt.Fprintf(c, "POST /webhooks/hc HTTP/1.1\r\nHost: x\r\n%s: %s\r\nContent-Length: %d\r\n\r\n", delivery.SignatureHeader, signature, length)
	require.NoError(t, err)
	_, _ = c.Write(bytes.Repeat([]byte(" "), sent)) // fails if it is closed meanwhile
	return c
}

func statusOf(t *testing.T, c net.Conn) int {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(testenv.Patience)))
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	return res.StatusCode
}

// headIn is how long a whole request may take in tests of that limit. A request's head must arrive within it, too, or the connection is closed without an
// answer: a busy machine needs more than an instant.
const headIn = 3 * time.Second

func TestABodyMustArriveInTime(t *testing.T) {
	t.Parallel()
	url, deliveries := pairWithin(t, headIn, func(http.ResponseWriter, *http.Request) { t.Error("nothing comes through") })
	right := delivery.Sign(secret, []byte(event))
	require.Equal(t, http.StatusRequestTimeout, statusOf(t, half(t, url, right, len(event), 5)))
	require.Equal(t, Delivery{Err: tooSlow}, <-deliveries)
	t.Run("without a signature nobody waits for it", func(t *testing.T) {
		require.Equal(t, http.StatusUnauthorized, statusOf(t, half(t, url, "", 1<<20, 5)))
		require.Equal(t, Delivery{Err: unsigned}, <-deliveries)
	})
}

func TestAReceiverMayTakeLongerThanABody(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}), make(chan struct{})
	url, deliveries := pairWithin(t, headIn, func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		select {
		case <-answer:
		case <-r.Context().Done():
			t.Error("it is given up")
		}
	})
	go func() {
		<-asked
		time.AfterFunc(headIn+500*time.Millisecond, func() { close(answer) })
	}()
	status, _ := do(t, signed(t, url, event))
	require.Equal(t, http.StatusOK, status)
	require.NoError(t, (<-deliveries).Err)
}

// TestHalfSentBodies holds many half-sent bodies with a forged signature: they take bounded memory, and keep no delivery out.
func TestHalfSentBodies(t *testing.T) {
	url, deliveries := pair(t, func(http.ResponseWriter, *http.Request) {})
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const size = 1 << 20
	var held []net.Conn
	for range 300 {
		held = append(held, half(t, url, strings.Repeat("a", 64), size, size-1))
	}
	status, _ := do(t, signed(t, url, event))
	require.Equal(t, http.StatusOK, status)
	var taken Delivery
	require.Eventually(t, func() bool { taken = <-deliveries; return taken.Err == nil }, testenv.Patience, time.Millisecond)
	require.Equal(t, "evt_1", taken.EventID)
	runtime.GC() // what closed connections have left is no longer held
	runtime.ReadMemStats(&during)
	require.Less(t, (int64(during.HeapInuse)-int64(before.HeapInuse))>>20, int64(3*maxConns), "MiB")

	open := 0
	for _, c := range held {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
		if _, err := c.Read(make([]byte, 1)); err != nil {
			if timeout, is := err.(net.Error); is && timeout.Timeout() {
				open++
			}
		}
	}
	require.Less(t, open, maxConns+1)
}

func TestConnectionsThatAreAnsweredAreKept(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f, err := newForwarder("http://127.0.0.1:1", verifies(secret), 0, func(Delivery) { <-release })
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	limited := newConns(l, 2)
	server := newServer(f, readTimeout)
	go server.Serve(limited)
	t.Cleanup(func() { require.NoError(t, server.Close()) })

	answers := make(chan int, 3)
	deliver := func() {
		res, err := (&http.Transport{}).RoundTrip(signed(t, "http://"+l.Addr().String(), event))
		if err != nil {
			t.Error(err)
			answers <- 0
			return
		}
		res.Body.Close()
		answers <- res.StatusCode
	}
	go deliver()
	go deliver()
	require.Eventually(t, func() bool {
		limited.mu.Lock()
		defer limited.mu.Unlock()
		return limited.open == 2 && limited.waiting.Len() == 0
	}, testenv.Patience, time.Millisecond)
	go deliver() // waits for a place
	close(release)
	for range 3 {
		require.Equal(t, http.StatusBadGateway, <-answers)
	}
}
