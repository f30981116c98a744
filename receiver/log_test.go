package receiver

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"inorder/internal/delivery"
	"inorder/internal/loglimit"
	"inorder/internal/ready"
)

// TestWhatIsRefusedDoesNotFillTheLog triggers each kind of refusal many times.
func TestWhatIsRefusedDoesNotFillTheLog(t *testing.T) {
	away := &fakeStarter{err: serviceerror.NewUnavailable("dial tcp 127.0.0.1:7233: connection refused")}
	r, logs := newTest(t, away, func(o *Options) {
		checked(o, ready.Check{Name: "temporal", Run: func(context.Context) error { return errors.New("away") }, Required: true})
	})
	r.log = loglimit.New(r.o.Log, time.Hour) // the whole test is within one interval, however long it takes
	const often = 300
	for range often {
		send(t, r, with(posted(vectorBody), delivery.SignatureHeader))
		send(t, r, with(posted(vectorBody), delivery.SignatureHeader, strings.Repeat("0", 64)))
		send(t, r, posted(`{"id":"evt_1"}`))
		send(t, r, posted(vectorBody))
		send(t, r, posted(strings.Repeat("a", defaultMaxBodyBytes+1)))
		send(t, r, httptest.NewRequest("GET", ready.Path, nil))
		send(t, r, httptest.NewRequest("GET", "/elsewhere", nil))
	}
	require.LessOrEqual(t, strings.Count(logs.String(), "\n"), 7)
	r.log.Flush() // as a stopping receiver does
	require.LessOrEqual(t, strings.Count(logs.String(), "\n"), 14)
	require.Contains(t, logs.String(), fmt.Sprintf(`"lines":%d`, often-1))
}

func TestAStoppingReceiverLogsWhatItHasCounted(t *testing.T) {
	r, logs := newTest(t, &fakeStarter{}, nil)
	s := serve(t, r)
	c := newClient(t)
	for range 3 {
		status, _ := s.post(t, c, "{}", false)
		require.Equal(t, 400, status)
	}
	require.NotContains(t, logs.String(), `"lines":2`)
	s.stop()
	require.NoError(t, s.wait(t))
	require.Contains(t, logs.String(), `"lines":2`)
}

func TestAnAuthenticEventThatIsRefusedIsNamedInTheLog(t *testing.T) {
	r, logs := newTest(t, &fakeStarter{}, nil)
	send(t, r, posted(`{"id":"inorder-reconcile-1","type":"order.paid","data":{"order_id":"order_1","note":"canary"}}`))
	require.Contains(t, logs.String(), `"event_id":"inorder-reconcile-1","event_type":"order.paid","order_id":"order_1"`)
	require.NotContains(t, logs.String(), "canary")

	r, logs = newTest(t, &fakeStarter{}, nil)
	send(t, r, posted(`{"id":"evt_1"}`))
	require.NotContains(t, logs.String(), "event_id", "the body is no event")
}
