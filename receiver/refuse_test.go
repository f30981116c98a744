package receiver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/delivery"
)

func TestLargeBodyIsAnswered413(t *testing.T) {
	for name, chunked := range map[string]bool{"with its length": false, "chunked": true} {
		t.Run(name, func(t *testing.T) {
			starter := &fakeStarter{}
			r, _ := newTest(t, starter, nil)
			s := serve(t, r)
			for range 10 { // a connection that is closed too early loses the answer only now and then
				status, _ := s.post(t, newClient(t), strings.Repeat("a", 4<<20), chunked)
				require.Equal(t, 413, status)
			}
			require.Empty(t, starter.all())
		})
	}
}

func TestBodyOfExactlyTheLimitIsRead(t *testing.T) {
	for size, want := range map[int]int{len(vectorBody): 200, len(vectorBody) - 1: 413} {
		r, logs := newTest(t, &fakeStarter{}, func(o *Options) { o.MaxBodyBytes = size })
		s := serve(t, r)
		for _, chunked := range []bool{false, true} {
			status, _ := s.post(t, newClient(t), vectorBody, chunked)
			require.Equal(t, want, status)
		}
		require.Equal(t, want == 413, strings.Contains(logs.String(), "exceeds MAX_BODY_BYTES"))
	}
}

func TestMalformedRequestIsRefusedWithoutItsText(t *testing.T) {
	for want, sent := range map[int]string{
		400: "POST /secret HTTP/1.1\r\nContent-Length: secret\r\n\r\n",
		431: "POST /secret HTTP/1.1\r\nX-Secret: " + strings.Repeat("secret", maxHeaderBytes),
	} {
		r, logs := newTest(t, &fakeStarter{}, nil)
		c := dial(t, serve(t, r))
		_, _ = io.WriteString(c, sent) // the answer may come before everything is sent
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, want, res.StatusCode)
		require.Equal(t, http.StatusText(want), string(body))
		require.NotContains(t, logs.String(), "secret")
	}
}

func TestLargeBodyIsRefusedUnread(t *testing.T) {
	tooMuch := strings.Repeat("a", defaultMaxBodyBytes+1)
	for name, sent := range map[string]string{
		"by its length":      "Content-Length: 1048577\r\n\r\n",
		"by a huge length":   "Content-Length: 9000000000000000000\r\n\r\n",
		"when asked for":     "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n",
		"by its first chunk": "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + tooMuch,
		"by its last chunk":  "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n200000\r\n" + tooMuch,
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newTest(t, &fakeStarter{}, nil)
			c := dial(t, serve(t, r))
			_, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\n%s: %s\r\n%s", delivery.Path, delivery.SignatureHeader, vectorSignature, sent)
			require.NoError(t, err)
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			require.NoError(t, err)
			require.Equal(t, 413, res.StatusCode)
			require.True(t, res.Close)
		})
	}
}

// TestEarlyAnswersArrive sends everything before it reads: if the receiver closed the connection with bytes unread,
// the answer would be lost.
func TestEarlyAnswersArrive(t *testing.T) {
	const size = 4 << 20
	post := "POST " + delivery.Path + " HTTP/1.1\r\nHost: localhost\r\n"
	for name, tc := range map[string]struct {
		head   string
		status int
	}{
		"too large and unsigned":       {post + fmt.Sprintf("Content-Length: %d\r\n\r\n", size), 413},
		"too large":                    {post + fmt.Sprintf("%s: %s\r\nContent-Length: %d\r\n\r\n", delivery.SignatureHeader, vectorSignature, size), 413},
		"too large in chunks":          {post + fmt.Sprintf("%s: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", delivery.SignatureHeader, vectorSignature, size), 413},
		"unsigned, and its share full": {post + "Content-Length: 1000000\r\n\r\n", 401},
		"another path":                 {fmt.Sprintf("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", 1_000_000), 404},
		"malformed":                    {"POST\r\n\r\n", 400},
		"too large a header":           {post + "A: ", 431},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newTest(t, &fakeStarter{}, func(o *Options) { o.MaxBodyMemory = 2 << 20 }) // 128 KiB of it for unsigned requests
			s := serve(t, r)
			for range 5 {
				c := dial(t, s)
				_, err := io.WriteString(c, tc.head+strings.Repeat("a", size))
				require.NoError(t, err)
				require.Equal(t, tc.status, readAnswer(t, bufio.NewReader(c)))
			}
		})
	}
}

func TestBodyThatEndsTooEarlyIsNotTaken(t *testing.T) {
	for name, sent := range map[string]string{
		"before its length":     fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(vectorBody)+1, vectorBody),
		"in a chunk":            fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s", len(vectorBody)+1, vectorBody),
		"before the last chunk": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(vectorBody), vectorBody),
	} {
		t.Run(name, func(t *testing.T) {
			starter := &fakeStarter{}
			r, _ := newTest(t, starter, nil)
			c := dial(t, serve(t, r))
			_, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\n%s: %s\r\n%s", delivery.Path, delivery.SignatureHeader, vectorSignature, sent)
			require.NoError(t, err)
			require.NoError(t, c.(*net.TCPConn).CloseWrite())
			require.Equal(t, 400, readAnswer(t, bufio.NewReader(c)))
			require.Empty(t, starter.all())
		})
	}
}
