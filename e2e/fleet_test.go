package e2e

import (
	"errors"
	"net/http"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fleet is several `inorder serve` on one PostgreSQL and one Temporal, with a load balancer in front.
type fleet struct {
	*system
	nodes []*node

	moved   atomic.Int64 // attempts that moved on to another node, because one could not be reached
	broken  atomic.Int64 // those of them whose connection broke after it was established
	refused atomic.Int64 // answers other than 200, and deliveries that no node accepted
}

// node is a place behind the load balancer, in which one serve runs at a time.
type node struct {
	*system
	cmd     *exec.Cmd
	ready   atomic.Bool
	answers atomic.Int64 // number of answers 200
}

// newFleet returns a fleet on whose nodes nothing runs yet. The load balancer's health checks run until the test ends.
func newFleet(t *testing.T, s *system, nodes int) *fleet {
	f := &fleet{system: s}
	for range nodes {
		n := &node{system: &system{t: t, namespace: s.namespace, temporal: s.temporal}}
		addr := freeAddr(t)
		n.url, n.env = "http://"+addr, append(slices.Clone(s.env), "LISTEN_ADDR="+addr)
		f.nodes = append(f.nodes, n)
		var checking sync.WaitGroup
		every := time.NewTicker(50 * time.Millisecond)
		checking.Go(func() {
			for range every.C {
				if t.Context().Err() != nil {
					return
				}
				n.ready.Store(n.isReady())
			}
		})
		t.Cleanup(func() {
			checking.Wait()
			every.Stop()
			if t.Failed() {
				t.Logf("%s:\n%s", n.url, n.log())
			}
		})
	}
	return f
}

func (n *node) isReady() bool {
	resp, err := http.Get(n.url + "/readyz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// begin starts a program's serve on the node, and returns when the load balancer sees it as ready.
func (n *node) begin(program string, env ...string) {
	n.cmd = exec.Command(program, "serve")
	n.cmd.Env = append(slices.Clone(n.env), env...)
	n.cmd.Stdout, n.cmd.Stderr = &n.logs, &n.logs
	require.NoError(n.t, n.cmd.Start())
	cmd := n.cmd
	n.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	n.eventually("the node is ready", func() bool { return n.isReady() && n.ready.Load() }) // n.ready alone may still be of a process that was killed
}

// kill kills the node's serve by SIGKILL.
func (n *node) kill() {
	require.NoError(n.t, n.cmd.Process.Kill())
	_ = n.cmd.Wait()
}

// drain stops the node's serve by SIGTERM, and returns when it has finished the work that it had begun.
func (n *node) drain() {
	require.NoError(n.t, n.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(n.t, n.cmd.Wait())
	n.ready.Store(false)
}

// roll restarts serve on every node with the program, one node after another.
func (f *fleet) roll(program string, env ...string) {
	for _, n := range f.nodes {
		n.drain()
		n.begin(program, env...)
	}
}

// deliver delivers as the platform does through a load balancer: it retries until the answer is 200, for up to three minutes.
func (f *fleet) deliver(body []byte) {
	for begin := time.Now(); time.Since(begin) < 3*time.Minute; time.Sleep(100 * time.Millisecond) {
		if f.pass(body) == http.StatusOK {
			return
		}
		f.refused.Add(1)
	}
	f.t.Error("an event was not accepted within three minutes")
}

var turn atomic.Int64

// pass sends one delivery through the load balancer, which tries the nodes in turn, ready ones first. If a connection is refused
// or breaks without an answer, it tries the next node. pass returns the answer's status, or 0 without an answer.
func (f *fleet) pass(body []byte) int {
	first := int(turn.Add(1)) % len(f.nodes)
	order := append(slices.Clone(f.nodes[first:]), f.nodes[:first]...)
	slices.SortStableFunc(order, func(a, b *node) int {
		switch {
		case a.ready.Load() == b.ready.Load():
			return 0
		case a.ready.Load():
			return -1
		}
		return 1
	})
	for _, n := range order {
		status, _, err := n.post(body)
		if err == nil {
			if status == http.StatusOK {
				n.answers.Add(1)
			}
			return status
		}
		n.ready.Store(false)
		f.moved.Add(1)
		if !errors.Is(err, syscall.ECONNREFUSED) {
			f.broken.Add(1)
		}
	}
	return 0
}
