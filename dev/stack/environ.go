package stack

import (
	"os"
	"slices"
	"strings"
)

// ClearEnvironment removes what would make a client of PostgreSQL or Temporal use another server than the given one, or
// talk to it differently: the variables PG* and TEMPORAL_*, except those in keep, and Temporal's file of profiles. It affects
// this process and all that it starts. Call it before starting other goroutines.
func ClearEnvironment(keep ...string) {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if IsForeign(name) && !slices.Contains(keep, name) {
			os.Unsetenv(name)
		}
	}
	os.Setenv("TEMPORAL_CONFIG_FILE", os.DevNull)
}

// IsForeign reports whether clients use the environment variable to find PostgreSQL or Temporal.
func IsForeign(name string) bool {
	return strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "TEMPORAL_")
}
