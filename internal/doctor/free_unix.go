//go:build linux || darwin

package doctor

import (
	"os"
	"syscall"
)

// freeOf returns how many bytes of the directory's disk are free for everybody, and how many it has.
func freeOf(directory string) (free, total int64, err error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(directory, &disk); err != nil {
		return 0, 0, &os.PathError{Op: "see the disk of", Path: directory, Err: err}
	}
	return int64(disk.Bavail) * int64(disk.Bsize), int64(disk.Blocks) * int64(disk.Bsize), nil
}
