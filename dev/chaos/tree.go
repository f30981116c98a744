package chaos

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"inorder/dev/stack"
)

// descendants returns the PIDs of a process's children, their children, and so on. PostgreSQL's are in process groups of their own.
func descendants(pid int) (pids []int) {
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 2 {
			child, _ := strconv.Atoi(f[0])
			parent, _ := strconv.Atoi(f[1])
			children[parent] = append(children[parent], child)
		}
	}
	for next := children[pid]; len(next) > 0; next = next[1:] {
		pids = append(pids, next[0])
		next = append(next, children[next[0]]...)
	}
	return pids
}

// signalTree signals a process and its descendants. The process comes first, so that once stopped it starts no more children.
func signalTree(pid int, sig syscall.Signal) {
	_ = syscall.Kill(pid, sig)
	for _, child := range descendants(pid) {
		_ = syscall.Kill(child, sig)
	}
}

// killTree kills a server and its descendants, as the loss of a machine would.
func killTree(server *stack.Server) {
	signalTree(server.PID(), syscall.SIGSTOP)
	for _, child := range descendants(server.PID()) {
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	server.Kill()
}
