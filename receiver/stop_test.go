package receiver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"testing"

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

// TestStopAnswersWhatIsOnItsWay sends a request on an idle connection after the stop has begun.
func TestStopAnswersWhatIsOnItsWay(t *testing.T) {
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
	l.stop()
	ask(t, kept)
	isClosed(t, kept)
	isClosed(t, silent)
	require.NoError(t, <-served)
	require.NoError(t, l.wait(t.Context()))
}
