//go:build unix

package receiver

import (
	"math"
	"syscall"
)

// fileLimit is how many files the process may have open. Go has raised it to the most that the process may ask for.
func fileLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(limit.Cur)
}
