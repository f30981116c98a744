package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/sample"
)

func TestTwoSystemsCannotShareANamespace(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	var owner string
	require.NoError(t, s.pool.QueryRow(t.Context(), `SELECT current_database()`).Scan(&owner))
	other := newBareSystem(t, testenv.DatabaseURL(t), "TEMPORAL_NAMESPACE="+s.namespace, "HEADLESS_COMMERCE_API_KEY="+standin.DefaultKey)
	for _, command := range [][]string{{"migrate"}, {"serve"}, {"worker"}, {"receiver"}, {"recover"}, {"orders", "reconcile"}} {
		out, code := other.run(command...)
		for range 5 { // a receiver that has no answer within two seconds listens first, and learns the owner later
			if !strings.Contains(out, "receiver listens") {
				break
			}
			out, code = other.run(command...)
		}
		require.Equal(t, 1, code, command)
		require.Contains(t, out, "namespace \""+s.namespace+"\" belongs to another system, with the database \""+owner+"\"", command)
		require.Contains(t, out, "TEMPORAL_NAMESPACE", command)
		require.Contains(t, out, "inorder migrate --take-over", command)
		require.NotContains(t, out, "receiver listens", command)
	}

	out, code := other.run("migrate", "--take-over")
	require.Zero(t, code, out)
	require.Contains(t, out, owner)
	other.pool = testenv.Pool(t, other.databaseURL())
	other.serve()
	id := other.send(sample.Options{Type: "order.created", OrderID: "order_1"})
	other.eventually("the event is applied", func() bool { return other.outcome(id) == "applied" })
	out, code = s.run("serve")
	require.Equal(t, 1, code)
	require.Contains(t, out, "belongs to another system")
}

func TestANamespaceThatNobodyHasAsksForMigrate(t *testing.T) {
	t.Parallel()
	s := newBareSystem(t, testenv.MigratedURL(t))
	for _, command := range []string{"serve", "worker", "receiver", "recover"} {
		out, code := s.run(command)
		require.Equal(t, 1, code, command)
		require.Contains(t, out, "isn't marked as this database's yet: run `inorder migrate`", command)
	}
}

func TestADatabaseThatIsNotUTF8IsRefused(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		s := newBareSystem(t, testenv.DatabaseURL(t, "TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING", "'"+encoding+"'"))
		for _, command := range []string{"migrate", "serve", "worker", "receiver"} {
			out, code := s.run(command)
			require.Equal(t, 1, code, command)
			require.Contains(t, out, "is encoded in "+encoding+" and must be in UTF8", command)
			require.Contains(t, out, "CREATE DATABASE", command)
		}
		s.env = append(s.env, "HEADLESS_COMMERCE_API_KEY="+standin.DefaultKey)
		for _, command := range [][]string{{"hooks", "list"}, {"hooks", "secrets", "list"}} {
			out, code := s.run(command...)
			require.Equal(t, 1, code, command)
			require.Contains(t, out, "is encoded in "+encoding+" and must be in UTF8", command)
			require.NotContains(t, out, "does not answer", command)
		}
	}
}
