package e2e

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hanging returns the address of a server that accepts connections and never answers.
func hanging(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close() // runs when the test ends
		}
	}()
	return l.Addr().String()
}

// If a server hangs, a command ends soon. It names the server, its address and the settings to check.
func TestACommandNamesTheServerThatHangs(t *testing.T) {
	t.Parallel()
	s := newSystem(t, "HEADLESS_COMMERCE_API_KEY=sk_test_hanging", "HEADLESS_COMMERCE_API_URL=http://127.0.0.1:9/v1")
	temporal, postgres := hanging(t), hanging(t)
	ids := filepath.Join(t.TempDir(), "ids")
	require.NoError(t, os.WriteFile(ids, []byte("evt_1\n"), 0o600))

	var all sync.WaitGroup
	fails := func(setting, line string, says ...string) {
		says = append(says, map[bool]string{true: "is not ready after", false: "did not answer within 5s"}[strings.HasPrefix(line, "migrate")])
		all.Go(func() {
			ctx, stop := context.WithTimeout(t.Context(), 40*time.Second) // the command takes seconds; a busy machine adds some
			defer stop()
			cmd := exec.CommandContext(ctx, program, strings.Fields(line)...)
			cmd.Env = append(s.env[:len(s.env):len(s.env)], setting)
			out, _ := cmd.CombinedOutput()
			assert.Equal(t, 1, cmd.ProcessState.ExitCode(), "%s: %s", line, out)
			for _, text := range says {
				assert.Contains(t, string(out), text, line)
			}
			assert.NotContains(t, string(out), "hunter2", line)
		})
	}
	for _, line := range []string{"recover", "migrate --wait 2s", "orders reconcile"} {
		fails("TEMPORAL_ADDRESS="+temporal, line, "Temporal at "+temporal+`, namespace "`+s.namespace+`"`, "TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE")
	}
	for _, line := range []string{
		"recover", "migrate --wait 2s", "orders reconcile --preview", "hooks list", "hooks secrets list", "send --verify --ids " + ids, "send order.created --verify", "send --story refunds",
	} {
		fails("DATABASE_URL=postgres://inorder:hunter2@"+postgres+"/shop", line, "PostgreSQL at "+postgres+`, database "shop"`, "DATABASE_URL")
	}
	all.Wait()
}
