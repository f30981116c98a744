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

// fleet is several `inorder serve` on one PostgreSQL and one Temporal, and the load balancer before them.
type fleet struct {
	*system
	nodes []*node

	moved   atomic.Int64 // deliveries that went to another node, because the first could not be reached
	broken  atomic.Int64 // among them those whose connection broke after it was there
	refused atomic.Int64 // answers that were not 2xx, and deliveries that no node took
}

// node is a place behind the load balancer, where one serve runs at a time.
type node struct {
	*system
	cmd     *exec.Cmd
	ready   atomic.Bool
	answers atomic.Int64 // that were 2xx
}

// newFleet returns nodes on which nothing runs yet, and their load balancer's health checks, which go on until the test ends.
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

// begin runs a program's serve on the node, and returns when the load balancer uses it.
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
	n.eventually("the node is ready", n.ready.Load)
}

// kill ends it by SIGKILL.
func (n *node) kill() {
	require.NoError(n.t, n.cmd.Process.Kill())
	_ = n.cmd.Wait()
}

// drain ends it by SIGTERM, and returns when it has finished what it had begun.
func (n *node) drain() {
	require.NoError(n.t, n.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(n.t, n.cmd.Wait())
	n.ready.Store(false)
}

// roll replaces every node, one after another.
func (f *fleet) roll(program string, env ...string) {
	for _, n := range f.nodes {
		n.drain()
		n.begin(program, env...)
	}
}

// deliver delivers as the platform does through a load balancer: again and again until the answer is 200.
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

// pass is one delivery through the load balancer: to the nodes in turn, those that are ready first. If a connection to one is
// refused, or breaks without an answer, the next one gets it. It returns the answer's status, or 0 without one.
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
