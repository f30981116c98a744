package ready

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
)

func TestCause(t *testing.T) {
	const temporal = "Temporal at 127.0.0.1:7233"
	for want, err := range map[string]error{
		temporal + " did not answer within 10s":                                   context.DeadlineExceeded,
		temporal + " did not answer within  10s":                                  serviceerror.NewDeadlineExceeded("context deadline exceeded"),
		temporal + " did not answer within   10s":                                 fmt.Errorf("start: %w", context.DeadlineExceeded),
		temporal + " cannot be reached: connection refused":                       serviceerror.NewUnavailable("connection refused"),
		temporal + " cannot be reached: dial tcp: connection refused":             &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")},
		temporal + " accepts no more requests at the moment: too fast":            &serviceerror.ResourceExhausted{Message: "too fast"},
		temporal + " failed: failed to connect: 127.0.0.1: refused; ::1: refused": errors.New("failed to connect:\n\t127.0.0.1: refused\n\t127.0.0.1:  refused\n\t::1: refused\n"),
		temporal + " cannot be reached: dial tcp 127.0.0.1:7233: refused":         serviceerror.NewUnavailable(`failed reaching server: desc = "transport: dial tcp 127.0.0.1:7233: refused"`),
	} {
		require.Equal(t, strings.Join(strings.Fields(want), " "), Cause(temporal, 10*time.Second, err))
	}
}
