package receiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"inorder/internal/delivery"
)

// TestWhatIsRefusedDoesNotFillTheLog has each kind of refusal happen often.
func TestWhatIsRefusedDoesNotFillTheLog(t *testing.T) {
	away := &fakeStarter{err: serviceerror.NewUnavailable("dial tcp 127.0.0.1:7233: connection refused")}
	r, logs := newTest(t, away, func(o *Options) {
		o.Checks = map[string]Check{"temporal": {Run: func(context.Context) error { return errors.New("away") }, Required: true}}
	})
	const often = 300
	for range often {
		send(t, r, with(posted(vectorBody), delivery.SignatureHeader))
		send(t, r, with(posted(vectorBody), delivery.SignatureHeader, strings.Repeat("0", 64)))
		send(t, r, posted(`{"id":"evt_1"}`))
		send(t, r, posted(vectorBody))
		send(t, r, posted(strings.Repeat("a", defaultMaxBodyBytes+1)))
		send(t, r, httptest.NewRequest("GET", delivery.ReadyPath, nil))
		send(t, r, httptest.NewRequest("GET", "/elsewhere", nil))
	}
	require.LessOrEqual(t, strings.Count(logs.String(), "\n"), 7)
	r.log.Flush() // as a receiver that stops does
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

func TestSentence(t *testing.T) {
	const temporal = "Temporal at 127.0.0.1:7233"
	for want, err := range map[string]error{
		temporal + " did not answer within 10s":                                   context.DeadlineExceeded,
		temporal + " did not answer within  10s":                                  serviceerror.NewDeadlineExceeded("context deadline exceeded"),
		temporal + " did not answer within   10s":                                 fmt.Errorf("start: %w", context.DeadlineExceeded),
		temporal + " cannot be reached: connection refused":                       serviceerror.NewUnavailable("connection refused"),
		temporal + " cannot be reached: dial tcp: connection refused":             &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")},
		temporal + " takes no more for the moment: too fast":                      &serviceerror.ResourceExhausted{Message: "too fast"},
		temporal + " failed: failed to connect: 127.0.0.1: refused; ::1: refused": errors.New("failed to connect:\n\t127.0.0.1: refused\n\t127.0.0.1:  refused\n\t::1: refused\n"),
		temporal + " cannot be reached: dial tcp 127.0.0.1:7233: refused":         serviceerror.NewUnavailable(`failed reaching server: desc = "transport: dial tcp 127.0.0.1:7233: refused"`),
	} {
		require.Equal(t, strings.Join(strings.Fields(want), " "), sentence(temporal, 10*time.Second, err))
	}
}
