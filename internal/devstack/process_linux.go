package devstack

import "syscall"

func endWithParent(a *syscall.SysProcAttr, s syscall.Signal) { a.Pdeathsig = s }
