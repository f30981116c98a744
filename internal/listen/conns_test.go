package listen

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/webhooks"
)

// crowd is a listener on which a next connection is always ready.
type crowd struct{ net.Listener }

func (crowd) Accept() (net.Conn, error) {
	ours, _ := net.Pipe()
	return ours, nil
}

func TestACrowdClosesNobodyWhoHasOnlyJustCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newConns(crowd{}, 2)
		accept := func() *conn {
			c, err := l.Accept()
			require.NoError(t, err)
			return c.(*conn)
		}
		began := time.Now()
		first, second := accept(), accept()
		admitted := make(chan *conn)
		go func() { admitted <- accept() }()
		time.Sleep(headStart - time.Nanosecond)
		synctest.Wait()
		require.False(t, first.ended)
		first.hasWhole()
		third := <-admitted
		require.Equal(t, headStart, time.Since(began))
		require.False(t, first.ended, "it has a whole request")
		require.True(t, second.ended)

		first.wait() // it was answered, and is not the oldest now
		accept()
		require.Equal(t, 2*headStart, time.Since(began))
		require.True(t, third.ended)
		require.False(t, first.ended)
		accept()
		require.True(t, first.ended)
		require.Equal(t, 2*headStart, time.Since(began), "an answer gives no other head start")
	})
}

func TestHeadersAreAsLargeAsAtTheReceiver(t *testing.T) {
	t.Parallel()
	require.Equal(t, 8<<10, newServer(nil, time.Second).MaxHeaderBytes+headerSlack)
}

func TestOneLineEach(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newPrinter(&out)
	const forging = "https://a.example.com/\n12:00:00  order.paid  200 accepted\r\x1b[2J"
	k := keeper{say: p.say, said: map[string]bool{}, to: "http://127.0.0.1:3000/webhooks/hc", url: forging}
	k.other(webhooks.Webhook{ID: "wh_1" + forging, URL: forging})
	p.say("deleting %s, %s: %s", "wh_2", forging, "why")
	require.Equal(t, 2, strings.Count(out.String(), "\n"))
	require.NotContains(t, out.String(), "\r")
	require.NotContains(t, out.String(), "\x1b")
	require.Contains(t, out.String(), `https://a.example.com/\u000a12:00:00`)
}
