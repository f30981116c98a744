//go:build !unix

package receiver

import "math"

// fileLimit returns how many files the process may have open. This system has no such limit to read.
func fileLimit() int { return math.MaxInt32 }
