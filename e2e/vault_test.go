package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"inorder"
	"inorder/dev/stack"
	"inorder/dev/standin"
	"inorder/dev/testenv"
)

// vault is a system with its own Temporal, and with copies of both stores.
type vault struct {
	*storefront
	engine  *stack.Stack
	link    *outage // proxy before Temporal
	dir     string  // of the copies
	recipes map[string]recipe
	serving *exec.Cmd // inorder serve
}

// newVault returns a running vault. If the programs that make copies are not installed, the test is skipped; in CI it fails.
func newVault(t *testing.T) *vault {
	for _, program := range []string{"pg_dump", "pg_restore", "psql", "sqlite3"} {
		_, err := exec.LookPath(program)
		testenv.Need(t, err, "restoring a backup is not tested")
	}
	engine, err := stack.Start(t.Context(), stack.Options{Root: testenv.Root(), DatabaseURL: os.Getenv(testenv.DatabaseVariable)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Stop() })
	v := &vault{engine: engine, link: newOutage(t, engine.TemporalAddress), dir: t.TempDir(), recipes: map[string]recipe{},
		storefront: newStorefront(t, standin.Options{}, "STUCK_AFTER=2s", "PENDING_RECHECK=1s", "RECONCILE_EVERY=8760h")}
	v.link.connect()
	var webhook string
	for _, pair := range v.env {
		if value, found := strings.CutPrefix(pair, "WEBHOOK_SECRETS="); found {
			webhook = value // the last one counts
		}
	}
	v.env = append(v.env, "WEBHOOK_SECRETS="+webhook+","+secret, "TEMPORAL_ADDRESS="+v.link.Addr(), "TEMPORAL_NAMESPACE=default", "TEMPORAL_DB="+v.temporalDB(), "OWNER_URL="+v.owner, "ROLE="+testenv.ProgramRole,
		"TEMPORAL_DATABASE_URL="+testenv.DatabaseURL(t), "VISIBILITY_DATABASE_URL="+testenv.DatabaseURL(t))
	v.temporal, err = client.Dial(client.Options{HostPort: engine.TemporalAddress, Logger: log.NewStructuredLogger(testenv.Log)})
	require.NoError(t, err)
	t.Cleanup(v.temporal.Close)
	for _, r := range recipes(t, "backup") {
		v.recipes[r.title] = r
	}
	v.follows("Temporal's two databases, in production") // the block is tried on empty databases: the development server has none
	out, code := v.run("migrate")
	require.Zero(t, code, out)
	v.serving = v.serve()
	return v
}

func (v *vault) temporalDB() string { return filepath.Join(v.engine.Dir, "temporal", "temporal.db") }

// follows runs the commands that the document has after the sentence with these words.
func (v *vault) follows(words string) string {
	v.t.Helper()
	for title, r := range v.recipes {
		if strings.Contains(title, words) {
			return v.followIn(v.dir, r)
		}
	}
	require.Fail(v.t, "the document has no such sentence before a block", words)
	return ""
}

func (v *vault) restorePostgres() {
	v.pool.Reset() // its connections have cached types that no longer exist
	v.follows("or a new one that is empty")
}

func (v *vault) restoreTemporal() {
	v.follows("Temporal's databases are restored")
	require.NoError(v.t, v.engine.Temporal.Start(v.t.Context()))
}

func (v *vault) killTemporal() { v.engine.Temporal.Kill() }

// removeTemporal deletes Temporal's store, and starts Temporal with a new one.
func (v *vault) removeTemporal() {
	for _, end := range []string{"", "-wal", "-shm"} {
		require.NoError(v.t, os.RemoveAll(v.temporalDB()+end))
	}
	require.NoError(v.t, v.engine.Temporal.Start(v.t.Context()))
}

var hadLost = regexp.MustCompile(`(\d+) had lost their workflow and are started anew`)

// recover runs the document's `inorder migrate` and `inorder recover`, starts serve, and returns how many events were started anew.
func (v *vault) recover() int {
	v.t.Helper()
	out := v.follows("stuck and attention event that has no workflow")
	m := hadLost.FindStringSubmatch(out)
	require.NotNil(v.t, m, out)
	n, err := strconv.Atoi(m[1])
	require.NoError(v.t, err)
	v.t.Log(strings.TrimSpace(out[strings.LastIndexByte(strings.TrimSpace(out), '\n')+1:]))
	v.serving = v.serve()
	return n
}

// place places and advances n orders on the platform, and returns when our database has them all as the platform does, and no event
// waits for one of them any more: an order can be whole while an event that came before it still waits to be released.
func (v *vault) place(n int) {
	v.t.Helper()
	lives := [][]string{{"pay"}, {"pay", "ship", "deliver", "refund_part"}, {"pay", "refund_part", "refund"}, {}}
	for i := range n {
		_, err := v.platform.Place(standin.Placement{Actions: lives[i%len(lives)]})
		require.NoError(v.t, err)
	}
	require.NoError(v.t, v.platform.WaitIdle(v.t.Context()))
	v.eventually("all orders are here", func() bool {
		const waiting = `SELECT count(*) FROM pending_events JOIN orders ON orders.id = pending_events.order_id WHERE phase <> 'attention'`
		return len(v.differing()) == 0 && v.inbox() == 0 && v.count(waiting) == 0
	})
}

func idOf(t *testing.T, body []byte) string {
	e, err := inorder.ParseEvent(body)
	require.NoError(t, err)
	return e.ID
}
