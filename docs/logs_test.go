package docs

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// All log lines about an event or an order use the same keys, so that one search finds them all.
func TestLogsHaveTheSameKeysForTheSameThings(t *testing.T) {
	call := regexp.MustCompile(`\b([lL]og|[lL]imited|out|l)\.(Debug|Info|Warn|Error|Log)(Context)?\(`)
	key := regexp.MustCompile(`"([A-Za-z_.]+)", [^"]`)
	others := regexp.MustCompile(`(?i)^(id|event|eventid|event\.id|type|eventtype|event\.type|order|orderid|order\.id|trace|traceid|trace\.id)$`)
	var logged int
	for place, line := range lines(t) {
		if strings.HasPrefix(place, "dev/") || strings.HasPrefix(place, "bench/") || strings.HasPrefix(place, "tools/") || !call.MatchString(line) {
			continue
		}
		logged++
		require.NotRegexp(t, `"(event_id|event_type|order_id)"`, line, "%s: telemetry.Attrs has all three keys of an event, so that none is left out", place)
		for _, m := range key.FindAllStringSubmatch(line, -1) {
			require.False(t, others.MatchString(m[1]), "%s: the keys are event_id, event_type, order_id and trace_id", place)
		}
	}
	require.Greater(t, logged, 30)
}
