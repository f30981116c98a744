package e2e

import (
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/sample"
)

func TestWrongSettingsAreReportedTogetherAndByName(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.env = append(s.env, "WEBHOOK_SECRETS=whsec_a,,whsec_b", "STUCK_AFTER=soon", "EVENT_RETENTION=24h", "DATABASE_URL=postgres://u:hunter2@:port/x")
	out, code := s.run("serve")
	require.Equal(t, 2, code)
	for _, name := range []string{"WEBHOOK_SECRETS", "STUCK_AFTER", "EVENT_RETENTION", "REDELIVERY_HORIZON", "DATABASE_URL"} {
		require.Contains(t, out, name)
	}
	require.NotContains(t, out, "hunter2")
}

func TestOlderSchemaIsRefused(t *testing.T) {
	t.Parallel()
	s := newBareSystem(t, testenv.DatabaseURL(t))
	for _, command := range []string{"serve", "worker", "receiver"} {
		out, code := s.run(command)
		require.Equal(t, 1, code)
		require.Contains(t, out, "inorder migrate")
	}
}

func TestMigrateByFiveAtOnce(t *testing.T) {
	t.Parallel()
	s := newBareSystem(t, testenv.DatabaseURL(t))
	s.env = append(s.env, "TEMPORAL_NAMESPACE="+testenv.Namespace(t)) // without the search attributes
	out, code := s.run("worker")
	require.Equal(t, 1, code)
	require.Contains(t, out, "inorder migrate")

	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			cmd := exec.Command(program, "migrate")
			cmd.Env = s.env
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("migrate: %v\n%s", err, out)
			}
		})
	}
	wg.Wait()
	s.serve()
	s.send(sample.Options{Type: "order.created", OrderID: "order_1"})
}

func TestTakenPortIsNamed(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.serve()
	out, code := s.run("receiver")
	require.Equal(t, 1, code)
	require.Contains(t, out, "LISTEN_ADDR")
}
