//go:build !linux

package devstack

import "syscall"

// endWithParent has no equal elsewhere: the children of a parent that was killed go on, and the next start says whose
// port is taken.
func endWithParent(*syscall.SysProcAttr, syscall.Signal) {}
