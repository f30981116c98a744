package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
	"inorder/dev/testenv"
)

// workplace is a checkout in which somebody has run `make run` and follows a document.
type workplace struct {
	*testing.T
	dir   string
	setUp string // runs before every block; a reader runs it once, in a shell that stays open
}

// makeRun does what `make run` does, on free ports, until the test ends.
func makeRun(t *testing.T, env ...string) *workplace {
	w := &workplace{T: t, dir: t.TempDir()}
	require.NoError(t, os.Chmod(w.dir, 0o755)) // PostgreSQL's own user must traverse it
	require.NoError(t, os.Chmod(filepath.Dir(w.dir), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(w.dir, "bin"), 0o755))
	require.NoError(t, os.Symlink(program, filepath.Join(w.dir, "bin", "inorder")))
	dev := filepath.Join(w.dir, "bin", "dev")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", dev, "inorder/dev/cmd/dev").CombinedOutput()
	require.NoError(t, err, string(out))
	temporal, err := stack.TemporalCLI(t.Context(), testenv.Root(), os.Stderr)
	require.NoError(t, err)
	for _, name := range []string{"LISTEN_ADDR=127.0.0.1:", "ADMIN_ADDR=127.0.0.1:", "POSTGRES_PORT=", "TEMPORAL_PORT=", "TEMPORAL_UI_PORT="} {
		port, err := stack.FreePort()
		require.NoError(t, err)
		env = append(env, name+strconv.Itoa(port))
	}
	running, err := stack.Launch(t.Context(), stack.Command{
		Name: "dev", Dir: t.TempDir(), Path: dev, Args: []string{"run", "-dir", filepath.Join(w.dir, ".dev"), "-inorder", program},
		Work: testenv.Root(), Signal: syscall.SIGINT, Grace: time.Minute,
		Env: append(append(os.Environ(), "DATABASE_URL=", "PATH="+filepath.Dir(temporal)+":"+os.Getenv("PATH")), env...),
		Ready: func(context.Context) error {
			_, err := os.Stat(filepath.Join(w.dir, ".dev", "env"))
			return err
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = running.Stop() })
	return w
}

// follow runs a block exactly as in the document, and returns its output and the exit code of its last command.
func (w *workplace) follow(commands string) (string, int) {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), "bash", "-uo", "pipefail", "-c", w.setUp+"\n"+commands)
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		require.NoError(w, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// number returns the number that a query returns.
func (w *workplace) number(query string) (n int) {
	w.Helper()
	out, code := w.follow(`psql "$DATABASE_URL" -qAtc "` + query + `"`)
	require.Zero(w, code)
	n, err := strconv.Atoi(strings.TrimSpace(out))
	require.NoError(w, err)
	return n
}

func (w *workplace) await(what string, n int, query string) {
	w.Helper()
	require.Eventually(w, func() bool { return w.number(query) == n }, 3*time.Minute, time.Second, what)
}

const (
	applied = `SELECT count(*) FROM webhook_events WHERE outcome = 'applied' AND event_id IN `
	phase   = `SELECT count(*) FROM pending_events WHERE phase = `
)

// either stands for the exit code of a retry that may fail because its event has just been applied without it.
const either = -1

// step is a block of the drill, with its expected result.
type step struct {
	title string // the beginning of the sentence before the block
	exit  int    // exit code of the last command, or either
	check func(out string)
}

// TestTheOperatorsDrill follows the operator's drill literally: it runs each block exactly as in the document.
func TestTheOperatorsDrill(t *testing.T) {
	w := makeRun(t, "STUCK_AFTER=20s", "PENDING_RECHECK=5s") // as the document says
	blocks, steps := recipes(t, "drill"), slices.Concat(w.repairs(), w.decides())
	require.Len(t, blocks, len(steps))
	for i, step := range steps {
		require.True(t, strings.HasPrefix(blocks[i].title, step.title), "%q is followed by %q", step.title, blocks[i].title)
		if i == 0 {
			w.setUp, _, _ = strings.Cut(blocks[i].commands, "\n")
		}
		out, exit := w.follow(blocks[i].commands)
		t.Logf("%s\n%s", blocks[i].commands, out)
		if step.exit != either || !strings.Contains(out, "it has ended as applied") {
			require.Equal(t, max(step.exit, 0), exit, blocks[i].commands)
		}
		step.check(out)
	}
}

func (w *workplace) says(parts ...string) func(string) {
	return func(out string) {
		w.Helper()
		for _, part := range parts {
			require.Contains(w, out, part)
		}
	}
}

// repairs returns the steps about events that fail or wait for their order.
func (w *workplace) repairs() []step {
	return []step{
		{"In another terminal", 0, w.says("Nothing needs a person.", "postgres   ok", "temporal   ok")},
		{"Somebody takes", 0, func(string) {
			require.EventuallyWithT(w, func(c *assert.CollectT) {
				out, _ := w.follow("inorder events list --state applying")
				assert.Equal(c, 2, strings.Count(out, "evt_fails"), out)
				for _, id := range []string{"evt_fails", "evt_fails_too"} { // it is listed before its first attempt has failed
					out, _ := w.follow("inorder events show " + id)
					assert.Contains(c, out, "permission denied for table orders")
				}
			}, 3*time.Minute, time.Second)
		}},
		{"Watch them", 0, w.says("evt_fails_too", "applying it fails", "permission denied for table orders", "inorder events retry evt_fails")},
		{"Repair it", either, func(string) { w.await("both are applied", 2, applied+`('evt_fails', 'evt_fails_too')`) }},
		{"And see them", 0, w.says("evt_fails ", "evt_fails_too")},
		{"Nobody tells", 0, func(string) { w.await("it is stuck", 1, phase+`'stuck'`) }},
		{"A customer asks", 0, w.says("evt_waits", "its order order_5005 does not exist yet", "inorder events retry evt_waits")},
		{"`status` says", 3, w.says("1 event is stuck")},
		{"The order is imported", either, func(string) { w.await("it is applied", 1, applied+`('evt_waits')`) }},
		{"Its order is paid", 0, w.says("paid", "evt_waits")},
	}
}

// decides returns the steps about events that need a person's decision.
func (w *workplace) decides() []step {
	return []step{
		{"A status must", 0, func(string) { w.await("it needs a person", 1, phase+`'attention'`) }},
		{"Find it", 0, w.says("evt_wrong", "data.status must be a string", "inorder events amend evt_wrong")},
		{"Take its body", 0, func(string) { w.await("it is applied", 1, applied+`('evt_wrong')`) }},
		{"It is applied", 0, w.says("It is applied", "amend", "the status was a number")},
		{"A constraint", 0, func(string) {
			w.await("all need a person", 500, phase+`'attention' AND (SELECT count(*) FROM event_inbox) = 0`)
		}},
		{"Remove it", 0, w.says("500 events. Nothing was changed.")},
		{"Retry them", 0, func(out string) {
			require.Contains(w, out, "500 of 500")
			w.await("all are applied", 503, `SELECT count(*) FROM orders`)
		}},
		{"An event that waits", 0, w.says("evt_unwanted: it is discarded")},
		{"It was a real one", 0, func(string) { w.await("it is applied", 1, applied+`('evt_unwanted')`) }},
		{"Who did what", 0, w.says("It is applied", "a test order", "it was a real order", "replay", "discard")},
	}
}
