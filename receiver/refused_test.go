package receiver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"inorder/internal/delivery"
	"inorder/internal/refused"
)

// fakeRefused keeps everything, or nothing if it is full.
type fakeRefused struct {
	full bool

	mu        sync.Mutex
	kept      []refused.Refusal
	bodies    []string // copies of the bodies as Keep got them
	delivered []netip.Addr
	asked     int
}

func (f *fakeRefused) AsksAddress(time.Time) bool { return true }

func (f *fakeRefused) Delivered(client netip.Addr, _ time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delivered = append(f.delivered, client)
}

func (f *fakeRefused) Admit(bool, netip.Addr, int) (refused.Place, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return refused.Place{}, !f.full
}

func (f *fakeRefused) Keep(_ refused.Place, r refused.Refusal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept, f.bodies = append(f.kept, r), append(f.bodies, string(r.Body))
}

func TestWhatIsRefusedIsHandedOverToBeKept(t *testing.T) {
	kept, starter := &fakeRefused{}, &fakeStarter{}
	r, _ := newTest(t, starter, func(o *Options) { o.Refused, o.MaxBodyBytes = kept, 1<<10 })
	wrong := strings.Repeat("0", 64)
	send(t, r, with(posted(vectorBody), delivery.SignatureHeader, wrong))
	send(t, r, with(posted(vectorBody+" "), delivery.SignatureHeader, "sha256="+wrong))
	send(t, r, posted(`{"no":"type"}`))
	send(t, r, posted(strings.Repeat(" ", 2<<10)))
	starter.err = errors.New("refused")
	send(t, r, posted(vectorBody))
	starter.err = nil
	send(t, r, with(posted(""), delivery.SignatureHeader))
	send(t, r, posted(vectorBody))
	starter.err = serviceerror.NewWorkflowExecutionAlreadyStarted("", "", "")
	send(t, r, posted(vectorBody))
	send(t, r, withURL(posted(vectorBody), "/elsewhere"))

	var got []string
	for _, k := range kept.kept {
		require.Equal(t, receivedAt.UTC(), k.At)
		got = append(got, fmt.Sprintf("%d %s %d %v %s", k.Status, k.Reason, k.Bytes, k.Authentic, strings.Join(k.Header["X-Webhook-Signature"], ",")))
	}
	require.Equal(t, []string{
		fmt.Sprintf("401 bad_signature %d false %s", len(vectorBody), wrong),
		fmt.Sprintf("401 bad_signature %d false sha256=%s", len(vectorBody)+1, wrong),
		"400 bad_event 13 true " + delivery.Sign(vectorSecret, []byte(`{"no":"type"}`)),
		"413 too_large 2048 false " + delivery.Sign(vectorSecret, []byte(strings.Repeat(" ", 2<<10))),
		fmt.Sprintf("503 unavailable %d true %s", len(vectorBody), vectorSignature),
		"401 bad_signature 0 false ",
	}, got)
	require.Equal(t, []string{vectorBody, vectorBody + " ", `{"no":"type"}`, "", vectorBody, ""}, kept.bodies)
	require.Nil(t, kept.kept[3].Body, "it was not read")
	require.NotNil(t, kept.kept[5].Body, "it was, and is empty")
	require.Equal(t, "type is missing", kept.kept[2].Detail)
	for i, k := range kept.kept {
		require.Equal(t, kept.bodies[i], string(k.Body), "nobody uses its memory for another one")
	}
	require.Len(t, kept.delivered, 3, "all that are authentic events")
}

// Refused gets the address of the sender over real connections, behind trusted proxies or not.
func TestTheAddressOfARefusedDelivery(t *testing.T) {
	kept := &fakeRefused{}
	r, _ := newTest(t, &fakeStarter{}, func(o *Options) {
		o.Refused, o.TrustedProxies = kept, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	s := serve(t, r)
	post := func(headers, body string) {
		c := dial(t, s)
		_, err := io.WriteString(c, "POST "+delivery.Path+" HTTP/1.1\r\nHost: localhost\r\n"+headers+"\r\n"+body)
		require.NoError(t, err)
		require.GreaterOrEqual(t, readAnswer(t, bufio.NewReader(c)), 400)
	}
	post("Content-Length: 2\r\n", "{}")
	post("X-Forwarded-For: 192.0.2.66, 198.51.100.7\r\nContent-Length: 2\r\n", "{}")
	post("X-Forwarded-For: 192.0.2.66\r\nx-forwarded-for: [2001:db8::7]:4711,127.0.0.9\r\nContent-Length: 2\r\n", "{}")
	post("X-Forwarded-For: 198.51.100.8\r\nTransfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n")
	post("X-Forwarded-For: 198.51.100.9\r\nExpect: 100-continue\r\nContent-Length: 9000000\r\n", "")
	var clients []string
	for _, k := range kept.kept {
		clients = append(clients, k.Client.String())
		require.Equal(t, []string{"localhost"}, k.Header["Host"])
		if k.Reason == refused.TooLarge {
			require.EqualValues(t, 9_000_000, k.Bytes)
		}
	}
	require.Equal(t, []string{"127.0.0.1", "198.51.100.7", "2001:db8::7", "198.51.100.8", "198.51.100.9"}, clients)
}

func TestWhatIsNotKeptCostsNothing(t *testing.T) {
	kept := &fakeRefused{full: true}
	r, _ := newTest(t, &fakeStarter{}, func(o *Options) { o.Refused = kept })
	for range 10 {
		res, body := send(t, r, with(posted(vectorBody), delivery.SignatureHeader, strings.Repeat("0", 64)))
		require.Equal(t, 401, res.StatusCode)
		require.Equal(t, "Invalid signature", body)
	}
	require.Equal(t, 10, kept.asked)
	require.Empty(t, kept.kept)
	require.Equal(t, r.signed.total, r.signed.left)
}
