package stack

import (
	"os"
	"slices"
	"strings"
)

// ClearEnvironment takes from this process, and so from all that it starts, whatever would lead a client of PostgreSQL or
// Temporal to another server than the given one, or to another way of talking to it: the variables PG* and TEMPORAL_*,
// except those in keep, and Temporal's file of profiles. Call it first thing, before other goroutines run.
func ClearEnvironment(keep ...string) {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if IsForeign(name) && !slices.Contains(keep, name) {
			os.Unsetenv(name)
		}
	}
	os.Setenv("TEMPORAL_CONFIG_FILE", os.DevNull)
}

// IsForeign reports whether the environment variable is one by which clients find PostgreSQL or Temporal.
func IsForeign(name string) bool {
	return strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "TEMPORAL_")
}
