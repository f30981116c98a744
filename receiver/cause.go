package receiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
)

// sentence says what is the matter with a server, in one line. within is how long it was given.
func sentence(server string, within time.Duration, err error) string {
	var (
		deadline  *serviceerror.DeadlineExceeded
		canceled  *serviceerror.Canceled
		away      *serviceerror.Unavailable
		network   *net.OpError
		exhausted *serviceerror.ResourceExhausted
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &deadline), errors.As(err, &canceled), isTimeout(err):
		return fmt.Sprintf("%s did not answer within %s", server, within)
	case errors.As(err, &away), errors.As(err, &network):
		return fmt.Sprintf("%s cannot be reached: %s", server, oneLine(err))
	case errors.As(err, &exhausted):
		return fmt.Sprintf("%s takes no more for the moment: %s", server, oneLine(err))
	}
	return fmt.Sprintf("%s failed: %s", server, oneLine(err))
}

// maxCause is in bytes. What is said after that is said in the first lines already.
const maxCause = 300

// oneLine is the error's text in one line. pgx, for one, writes a line for each address that it tried, often the same.
func oneLine(err error) string {
	var lines []string
	seen := map[string]bool{}
	for line := range strings.Lines(err.Error()) {
		if line = strings.Join(strings.Fields(line), " "); line != "" && !seen[line] {
			seen[line] = true
			lines = append(lines, line)
		}
	}
	text := strings.ToValidUTF8(strings.ReplaceAll(strings.Join(lines, "; "), ":; ", ": "), "?")
	if len(text) > maxCause {
		text = strings.ToValidUTF8(text[:maxCause], "") + " …"
	}
	return text
}
