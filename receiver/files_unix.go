//go:build unix

package receiver

import (
	"math"
	"syscall"
)

// fileLimit returns how many files the process may have open. Go's runtime has already raised the soft limit to the hard one.
func fileLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(limit.Cur)
}
