package command

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var background = context.Background()

func TestHelpIsPrintedWhereACommandIsMissing(t *testing.T) {
	for _, line := range []string{"", "--help", "help", "-q", "events", "help events", "events --help", "help events list", "events list --help"} {
		out, errs, code := run(strings.Fields(line)...)
		require.Zero(t, code, line)
		require.Empty(t, errs, line)
		require.Contains(t, out, "Usage: tool", line)
		if strings.Contains(line, "list") {
			require.Contains(t, out, "--state")
		}
	}
}

func TestWhatIsNotACommandIsAUsageError(t *testing.T) {
	for _, line := range []string{"evnets", "events lst", "help nothing", "events list --state odd", "events show", "completion tcsh", "help events lst"} {
		out, errs, code := run(strings.Fields(line)...)
		require.Equal(t, Usage, code, line)
		require.Empty(t, out, line)
		require.True(t, strings.HasPrefix(errs, "tool: "), errs)
		require.Contains(t, errs, "See `tool --help`", line)
	}
}
