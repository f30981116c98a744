// Package docs tests what the documents, and the program's own texts, show to operators.
package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"inorder/dev/testenv"
	"inorder/internal/sample"
	"inorder/workflows"
)

func TestMain(m *testing.M) { testenv.Main(m) }

var (
	// Both also match a query as it stands in a Go string, and in the URL of a page of the Temporal UI.
	byPhase = regexp.MustCompile(`EventPhase(\s|%20|\+)*([=!<]|%3D|%21|IN\b|IS\b|STARTS_WITH\b)`)
	running = regexp.MustCompile(`ExecutionStatus(\s|%20|\+)*(=|%3D)(\s|%20|\+)*(\\?["']|%22|%27)Running`)

	asArgument = regexp.MustCompile(`--query '(EventPhase="(\w+)"[^']*)'`)
)

// A run that was terminated or has failed keeps its last phase, so a query by phase must ask for running ones.
func TestQueriesByPhaseExcludeDeadRuns(t *testing.T) {
	var shown int
	for place, line := range lines(t) {
		if byPhase.MatchString(line) {
			shown++
			require.Regexp(t, running, line, `%s: add AND ExecutionStatus="Running", on the same line`, place)
		}
	}
	require.Greater(t, shown, 4, "the README shows some")
}

func TestTheCheckOfQueries(t *testing.T) {
	for line, complete := range map[string]bool{
		`EventPhase="stuck"`: false,
		`EventPhase = 'stuck' AND ExecutionStatus = 'Running'`:                true,
		`"EventPhase=\"stuck\""`:                                              false,
		`"ExecutionStatus=\"Running\" AND EventPhase=\"stuck\""`:              true,
		`EventPhase IN ("stuck", "waiting")`:                                  false,
		`workflows?query=EventPhase%3D%22stuck%22`:                            false,
		`?query=EventPhase%3D%22stuck%22+AND+ExecutionStatus%3D%22Running%22`: true,
		`EventPhase="stuck" AND ExecutionStatus="Terminated"`:                 false,
	} {
		require.True(t, byPhase.MatchString(line), line)
		require.Equal(t, complete, running.MatchString(line), line)
	}
	require.False(t, byPhase.MatchString(`EventPhaseKey = temporal.NewSearchAttributeKeyKeyword("EventPhase")`))
}

// Runs every query that is shown as --query '…' on a real server.
func TestShownQueriesDoNotFindATerminatedRun(t *testing.T) {
	c := testenv.Temporal(t)
	queries := map[string]string{} // with the phase of each
	for _, line := range lines(t) {
		for _, m := range asArgument.FindAllStringSubmatch(strings.ReplaceAll(line, `\"`, `"`), -1) {
			queries[m[1]] = m[2]
		}
	}
	require.NotEmpty(t, queries)
	for query, phase := range queries {
		t.Run(query, func(t *testing.T) {
			id := sample.NewID("evt_")
			_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: sample.NewID("nobody_"),
				TypedSearchAttributes: temporal.NewSearchAttributes(workflows.EventPhaseKey.ValueSet(phase))}, workflows.ProcessEventType)
			require.NoError(t, err)
			finds := func(query string) bool {
				n, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
					Query: fmt.Sprintf(`%s AND WorkflowId=%q`, query, id)})
				require.NoError(t, err)
				return n.Count == 1
			}
			require.Eventually(t, func() bool { return finds(query) }, testenv.Patience, 20*time.Millisecond)

			require.NoError(t, c.TerminateWorkflow(t.Context(), id, "", "by mistake"))
			dead := fmt.Sprintf(`EventPhase=%q AND ExecutionStatus="Terminated"`, phase)
			require.Eventually(t, func() bool { return finds(dead) }, testenv.Patience, 20*time.Millisecond, "it keeps its phase")
			require.False(t, finds(query))
		})
	}
}

// lines returns every line that may show a query, in the documents and the program's sources, by file and line number.
func lines(t *testing.T) map[string]string {
	root, all := testenv.Root(), map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", ".dev", "bin", "node_modules", "testdata", "img"}, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, "_test.go") || !slices.Contains([]string{".go", ".md", ".sh", ".mjs", ".yml", ".html"}, filepath.Ext(path)) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(text), "\n") {
			all[fmt.Sprintf("%s:%d", strings.TrimPrefix(path, root+"/"), i+1)] = line
		}
		return nil
	}))
	return all
}
