package receiver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/delivery"
)

// TestStopAnswersWhatHasCome stops a receiver that hasn't accepted any of its connections yet.
func TestStopAnswersWhatHasCome(t *testing.T) {
	const each = 100
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &serving{addr: l.Addr().String(), done: make(chan error, 1)}
	var unused, begun, good []net.Conn
	for i := range each {
		unused = append(unused, dial(t, s))
		begun = append(begun, dial(t, s))
		_, err = io.WriteString(begun[i], "POST ")
		require.NoError(t, err)
		good = append(good, dial(t, s))
		_, err = fmt.Fprintf(good[i], "POST %s HTTP/1.1\r\nHost: a\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
			delivery.Path, delivery.SignatureHeader, vectorSignature, len(vectorBody), vectorBody)
		require.NoError(t, err)
	}
	r, _ := newTest(t, &fakeStarter{}, nil)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	go func() { s.done <- r.Serve(ctx, l) }()
	for i, c := range good {
		require.Equal(t, 200, readAnswer(t, bufio.NewReader(c)), "delivery %d", i)
	}
	for _, c := range unused {
		require.NoError(t, c.SetDeadline(time.Now().Add(soon)))
		_, err := c.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err, "closed without a word, and not reset")
	}
	for _, c := range begun {
		_, err := io.WriteString(c, "/ HTTP/1.1\r\nHost: a\r\n\r\n")
		require.NoError(t, err)
		require.Equal(t, 404, readAnswer(t, bufio.NewReader(c)))
	}
	require.NoError(t, s.wait(t))
	require.True(t, s.refusesConnections())
}

// The deadline of the first pause is over before Accept looks, as on a busy machine. The connection that has come is accepted all the same.
func TestStopLooksForConnectionsBeforeItClosesTheListener(t *testing.T) {
	r, _ := newTest(t, &fakeStarter{}, nil)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := newListener(inner, 10, r.log)
	_ = dial(t, &serving{addr: inner.Addr().String()})
	l.stop()
	require.NoError(t, inner.(*net.TCPListener).SetDeadline(time.Unix(1, 0)))
	c, err := l.Accept()
	require.NoError(t, err)
	require.NoError(t, c.Close())
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

// TestStopAnswersWhatIsOnItsWay sends a request on an idle connection after the stop has begun. If the process stalls for longer than
// stopGrace just then, the request comes too late, and the test tries again.
func TestStopAnswersWhatIsOnItsWay(t *testing.T) {
	for range 5 {
		if stopAnswers(t) {
			return
		}
	}
	require.Fail(t, "no request came within stopGrace")
}

func stopAnswers(t *testing.T) (inTime bool) {
	r, _ := newTest(t, &fakeStarter{}, nil)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := newListener(inner, 10, r.log)
	served := make(chan error, 1)
	go func() { served <- r.app.Listener(l) }()
	s := &serving{addr: inner.Addr().String()}
	kept, silent := dial(t, s), dial(t, s)
	ask(t, kept)
	ask(t, silent)
	began := time.Now()
	l.stop()
	_, err = io.WriteString(kept, smuggled)
	var answer *http.Response
	if err == nil {
		answer, err = http.ReadResponse(bufio.NewReader(kept), nil)
	}
	if inTime = err == nil || time.Since(began) < stopGrace; inTime {
		require.NoError(t, err)
		require.Equal(t, 200, answer.StatusCode)
		isClosed(t, kept)
		isClosed(t, silent)
	}
	require.NoError(t, <-served)
	require.NoError(t, l.wait(t.Context()))
	return inTime
}
