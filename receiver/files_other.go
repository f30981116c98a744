//go:build !unix

package receiver

import "math"

// fileLimit is how many files the process may have open; nothing says so here.
func fileLimit() int { return math.MaxInt32 }
