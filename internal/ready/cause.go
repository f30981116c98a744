package ready

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"

	"inorder/internal/loglimit"
)

// Cause returns in one line why a request to a server failed. within is how long the server was given. err may come from pgx
// or from Temporal's client.
func Cause(server string, within time.Duration, err error) string {
	var (
		deadline  *serviceerror.DeadlineExceeded
		canceled  *serviceerror.Canceled
		away      *serviceerror.Unavailable
		exhausted *serviceerror.ResourceExhausted
		network   *net.OpError
		timeout   net.Error
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &deadline), errors.As(err, &canceled),
		errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("%s did not answer within %s", server, within)
	case errors.As(err, &away), errors.As(err, &network):
		return fmt.Sprintf("%s cannot be reached: %s", server, dialed(loglimit.OneLine(err)))
	case errors.As(err, &exhausted):
		return fmt.Sprintf("%s accepts no more requests at the moment: %s", server, loglimit.OneLine(err))
	}
	return fmt.Sprintf("%s failed: %s", server, loglimit.OneLine(err))
}

// dialed returns what was dialed last and how that failed, without the text that pgx and gRPC put around it.
func dialed(text string) string {
	if at := strings.LastIndex(text, "dial "); at >= 0 {
		text = strings.TrimRight(text[at:], `"`)
	}
	return text
}
