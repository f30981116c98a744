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
	for line, help := range map[string]string{"evnets": "tool", "events lst": "tool events", "help nothing": "tool", "events list --state odd": "tool events list",
		"events list --stat stuck": "tool events list", "events show": "tool events show", "completion tcsh": "tool completion", "help events lst": "tool events"} {
		out, errs, code := run(strings.Fields(line)...)
		require.Equal(t, Usage, code, line)
		require.Empty(t, out, line)
		require.True(t, strings.HasPrefix(errs, "tool: "), errs)
		require.Contains(t, errs, "See `"+help+" --help`", line)
	}
}

// A blank argument comes from a script whose variable isn't set: without the argument more would be selected.
func TestWhatIsBlankIsAUsageError(t *testing.T) {
	for _, tc := range []struct {
		args []string
		name string
	}{
		{[]string{"events", "show", ""}, "<id>"}, {[]string{"events", "show", " \t"}, "<id>"}, {[]string{"events", "list", "--order", ""}, "--order"},
		{[]string{"events", "list", "--order="}, "--order"}, {[]string{"events", "list", "--order= "}, "--order"}, {[]string{"events", "list", "--json", "--state", ""}, "--state"},
		{[]string{"events", "retry", "evt_1", ""}, "[<id> ...]"},
	} {
		out, errs, code := run(tc.args...)
		require.Equal(t, Usage, code, tc.args)
		require.Empty(t, out, tc.args)
		require.Contains(t, errs, "is empty: omit it, or give a value\nSee `tool events "+tc.args[1]+" --help`", tc.args)
		require.Contains(t, errs, tc.name)
	}
}
