package receiver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/delivery"
)

// asReceiver turns the test binary into a receiver in a process of its own, so that its memory can be measured: it prints where
// it listens, and serves until its input ends.
const asReceiver = "INORDER_TEST_AS_RECEIVER"

func TestMain(m *testing.M) {
	if os.Getenv(asReceiver) != "" {
		os.Exit(serveForOthers())
	}
	os.Exit(m.Run())
}

func serveForOthers() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	fmt.Println(l.Addr())
	ctx, stop := context.WithCancel(context.Background())
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); stop() }()
	r := New(Options{Starter: noStarter{}, Verifier: delivery.Secrets{vectorSecret}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		ShutdownTimeout: time.Second})
	_ = r.Serve(ctx, l)
	return 0
}

type otherProcess struct {
	addr string
	pid  int
	logs *logBuffer
}

func startReceiver(t *testing.T) otherProcess {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asReceiver+"=1")
	logs := &logBuffer{}
	cmd.Stderr = logs
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return otherProcess{strings.TrimSpace(line), cmd.Process.Pid, logs}
}

// TestFloodsOfUnfinishedRequests holds thousands of connections, each with a request that never ends. It checks the
// memory, and what happens to deliveries that come meanwhile.
func TestFloodsOfUnfinishedRequests(t *testing.T) {
	forged := delivery.SignatureHeader + ": " + strings.Repeat("0", 64) + "\r\n"
	const length, chunked = "Content-Length: 1048576\r\n", "Transfer-Encoding: chunked\r\n"
	part := strings.Repeat("a", 100<<10)
	for name, sent := range map[string]string{
		"headers alone":                     "POST " + delivery.Path + " HTTP/1.1\r\nHost: a\r\n" + length + "\r\n",
		"headers alone, signed":             "POST " + delivery.Path + " HTTP/1.1\r\nHost: a\r\n" + forged + length + "\r\n",
		"headers that fill their room":      "POST " + delivery.Path + " HTTP/1.1\r\nHost: a\r\n" + forged + length + "A: " + part[:7900] + "\r\n\r\na",
		"headers that do not end":           "POST " + delivery.Path + " HTTP/1.1\r\nHost: a\r\nA: " + part[:7000],
		"half-sent bodies":                  "POST " + delivery.Path + " HTTP/1.1\r\nHost: a\r\n" + length + "\r\n" + part,
		"half-sent bodies, signed":          "POST " + delivery.Path + " HTTP/1.1\r\nHost: a\r\n" + forged + length + "\r\n" + part,
		"half-sent chunked bodies, signed":  "POST " + delivery.Path + " HTTP/1.1\r\nHost: a\r\n" + forged + chunked + "\r\n100000\r\n" + part,
		"half-sent bodies for another path": "POST /elsewhere HTTP/1.1\r\nHost: a\r\n" + length + "\r\n" + part,
		"connections without a byte":        "",
	} {
		t.Run(name, func(t *testing.T) {
			p := startReceiver(t)
			deliverNow(t, p.addr)
			idle := testenv.Resident(t, p.pid)
			flood(t, p.addr, sent)
			most := 0
			for range 20 {
				deliverNow(t, p.addr)
				most = max(most, testenv.Resident(t, p.pid))
			}
			t.Logf("idle %d MiB, at most %d MiB more", idle, most-idle)
			require.True(t, testing.Short() || most-idle < 200)
			require.Less(t, len(p.logs.String()), 10_000)
		})
	}
}

// flood opens the connections, sends on each, and holds them until the test ends. It returns when all have sent what they could at once.
func flood(t *testing.T, addr, sent string) {
	t.Helper()
	const openers = 16
	var wg sync.WaitGroup
	var opened atomic.Int32
	for range openers {
		wg.Go(func() {
			for range connections() / openers {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					continue
				}
				opened.Add(1)
				t.Cleanup(func() { _ = c.Close() })
				_ = c.SetWriteDeadline(time.Now().Add(soon))
				_, _ = io.WriteString(c, sent) // the connection may be answered or closed before
			}
		})
	}
	wg.Wait()
	require.Greater(t, int(opened.Load()), connections()*9/10)
}

// connections returns fewer with -short, which is for the race detector: memory and time mean little under it.
func connections() int {
	if testing.Short() {
		return 500
	}
	return 5000
}

// deliverNow delivers over a new connection. It takes no longer than soon, so it does not wait for the flood's requests to time out.
func deliverNow(t *testing.T, addr string) {
	t.Helper()
	require.NoError(t, tryToDeliver(t, addr))
}

func tryToDeliver(t *testing.T, addr string) error {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: soon}
	status, _, err := (&serving{addr: addr}).try(client, vectorBody, false)
	if err == nil {
		require.Equal(t, http.StatusOK, status)
	}
	return err
}
