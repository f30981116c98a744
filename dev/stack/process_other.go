//go:build unix && !linux

package stack

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent is Linux's alone: here the next Start stops what a killed parent has left.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}

func startOnLastingThread(cmd *exec.Cmd) error { return cmd.Start() }

// birthOf returns what hardly another process with that number has: its start and its command line.
func birthOf(pid int) (string, error) {
	out, err := exec.Command("ps", "-o", "stat=,lstart=,command=", "-p", strconv.Itoa(pid)).Output()
	stat, rest, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || stat == "" || stat[0] == 'Z' {
		return "", fmt.Errorf("process %d has ended", pid)
	}
	return strings.TrimSpace(rest), nil
}

// commandLine of a process, empty if there is none.
func commandLine(pid int) string {
	out, _ := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return string(out)
}
