//go:build unix && !linux

package stack

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent does nothing: only Linux can do that. Here the next Start stops what a killed parent has left running.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}

func startOnLastingThread(cmd *exec.Cmd) error { return cmd.Start() }

// birthOf returns a value that hardly any other process with the same PID has: its start time and its command line.
func birthOf(pid int) (string, error) {
	out, err := exec.Command("ps", "-o", "stat=,lstart=,command=", "-p", strconv.Itoa(pid)).Output()
	stat, rest, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || stat == "" || stat[0] == 'Z' {
		return "", fmt.Errorf("process %d has ended", pid)
	}
	return strings.TrimSpace(rest), nil
}

// commandLine returns the command line of a process, or "" if it does not exist.
func commandLine(pid int) string {
	out, _ := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return string(out)
}
