package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"inorder/dev/stack"
	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/sample"
	"inorder/workflows"
)

// watched is a system that a real Prometheus scrapes, with a workplace for following the document about its alerts.
type watched struct {
	*workplace
	*system
	prometheus string // its host and port
}

const (
	documentedPrometheus = "127.0.0.1:9090"
	documentedAdmin      = "127.0.0.1:3001"
)

// watch creates a directory with the files that the document needs, containing the test's addresses, and starts a Prometheus that scrapes
// every second. Without an installed Prometheus the test is skipped; in CI it fails.
func watch(t *testing.T, s *system, adminURL string) *watched {
	_, err := exec.LookPath("prometheus")
	testenv.Need(t, err, "without Prometheus, no test shows that an alert fires")
	port, err := stack.FreePort()
	require.NoError(t, err)
	w := &watched{&workplace{T: t, dir: t.TempDir()}, s, fmt.Sprintf("127.0.0.1:%d", port)}
	for _, dir := range []string{".dev", "deploy", "bin"} {
		require.NoError(t, os.Mkdir(filepath.Join(w.dir, dir), 0o755))
	}
	require.NoError(t, os.Symlink(program, filepath.Join(w.dir, "bin", "inorder")))
	w.write(".dev/env", fmt.Sprintf("ADMIN_URL=%s\nADMIN_TOKEN=%s\nRECEIVER_URL=%s\nWEBHOOK_SECRETS=%s\n", adminURL, canaryToken, s.url, secret))
	w.write("deploy/alerts.yml", w.read("deploy/alerts.yml"))
	config := strings.Replace(w.read("deploy/prometheus.yml"), documentedAdmin, strings.TrimPrefix(adminURL, "http://"), 1)
	w.write("deploy/prometheus.yml", strings.ReplaceAll(config, " 15s\n", " 1s\n"))

	start := regexp.MustCompile(`(?m)^\$ (prometheus .*)$`).FindStringSubmatch(w.read("docs/operations.md"))
	require.NotNil(t, start, "the document says how Prometheus is started")
	running, err := stack.Launch(t.Context(), stack.Command{
		Name: "prometheus", Dir: t.TempDir(), Path: "bash", Args: []string{"-c", "exec " + w.here(start[1])}, Work: w.dir,
		Ready: func(context.Context) error {
			_, err := w.get("/-/ready")
			return err
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, running.Stop()) })
	return w
}

// here replaces the documented address of Prometheus with the test's.
func (w *watched) here(text string) string {
	return strings.ReplaceAll(text, documentedPrometheus, w.prometheus)
}

func (w *watched) read(path string) string {
	text, err := os.ReadFile(filepath.Join(testenv.Root(), path))
	require.NoError(w.T, err)
	return string(text)
}

func (w *watched) write(path, text string) {
	require.NoError(w.T, os.WriteFile(filepath.Join(w.dir, path), []byte(text), 0o600))
}

// get sends a GET to Prometheus and returns the body.
func (w *watched) get(path string) ([]byte, error) {
	resp, err := http.Get("http://" + w.prometheus + path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return body, err
}

// An alert fires and ends as the document says. While it fires, every query of the dashboard returns a number.
func TestTheDrillOfAnAlert(t *testing.T) {
	t.Parallel()
	_, platform := testenv.StandIn(t, standin.Options{})
	s, c := withAdmin(t, "HEADLESS_COMMERCE_API_KEY="+standin.DefaultKey, "HEADLESS_COMMERCE_API_URL="+platform)
	s.serve()
	w := watch(t, s, c.URL)
	blocks, steps := recipes(t, "alert-drill"), w.drill()
	require.Len(t, blocks, len(steps))
	for i, step := range steps {
		require.True(t, strings.HasPrefix(blocks[i].title, step.title), "%q is followed by %q", step.title, blocks[i].title)
		if i == 0 {
			w.setUp, _, _ = strings.Cut(blocks[i].commands, "\n")
		}
		require.EventuallyWithT(t, func(now *assert.CollectT) {
			out, exit := w.workplace.follow(w.here(blocks[i].commands))
			assert.Zero(now, exit, out)
			step.check(now, out)
		}, testenv.Patience, 200*time.Millisecond, step.title)
		if step.then != nil {
			step.then()
		}
	}
}

// look is a block of the document that is repeated until it prints what the document says.
type look struct {
	title string // the beginning of the sentence before the block
	check func(now *assert.CollectT, out string)
	then  func()
}

func (w *watched) drill() []look {
	const alert, query = `alertname="InorderEventsNeedAttention"`, `ALERTS{`
	return []look{
		{"In another one", func(now *assert.CollectT, out string) {
			assert.Contains(now, out, `job="inorder"`)
			assert.NotContains(now, out, query)
		}, w.live},
		{"An event comes", func(now *assert.CollectT, out string) { assert.Contains(now, out, "evt_drill") }, nil},
		{"Within a minute the alert", func(now *assert.CollectT, out string) {
			assert.Contains(now, out, alert)
			assert.Contains(now, out, "Events need a person: 1")
			assert.Contains(now, out, "docs/operations.md#InorderEventsNeedAttention")
		}, func() {
			w.requireDashboard()
			w.requireWhatAlertsLookAt()
		}},
		{"Do what that says", func(now *assert.CollectT, out string) { assert.Contains(now, out, "evt_drill") }, nil},
		{"Within a minute nothing", func(now *assert.CollectT, out string) { assert.NotContains(now, out, query) }, w.failATask},
	}
}

// live makes the system do a little of everything, after Prometheus has scraped it once.
func (w *watched) live() {
	for range 3 {
		w.send(sample.Options{Type: "order.created", OrderID: sample.NewID("order_")})
	}
	for _, job := range []string{workflows.SweepEventsType, workflows.CheckSubscriptionType} {
		run, err := w.temporal.ExecuteWorkflow(w.Context(), client.StartWorkflowOptions{TaskQueue: workflows.DefaultTaskQueue}, job)
		require.NoError(w.T, err)
		require.NoError(w.T, run.Get(w.Context(), nil))
	}
}

// requireDashboard runs each query of the dashboard until it returns a number. An empty panel could mean either that all is well or
// that its query is wrong.
func (w *watched) requireDashboard() {
	var dashboard struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	require.NoError(w.T, json.Unmarshal([]byte(w.read("deploy/dashboard.json")), &dashboard))
	w.live() // many queries look back a minute, and the drill may have taken longer since
	asked := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			asked++
			w.finds(strings.NewReplacer("$job", "inorder", "$__rate_interval", "1m").Replace(target.Expr))
		}
	}
	require.Greater(w.T, asked, 30)
}

// requireWhatAlertsLookAt checks, for each alert that also fires when its metric is absent, that this metric exists.
func (w *watched) requireWhatAlertsLookAt() {
	looked := regexp.MustCompile(`unless on \(job\) last_over_time\((.+)\[`).FindAllStringSubmatch(w.read("deploy/alerts.yml"), -1)
	require.Greater(w.T, len(looked), 15)
	for _, m := range looked {
		w.finds(m[1])
	}
	w.finds(`inorder:expected_at_platform{job="inorder"}`)
	w.finds(`temporal_num_pollers{job="inorder", poller_type="workflow_task"} > 0`)
	w.finds(`inorder_job_last_success_timestamp_seconds{job="inorder", exported_job="sweep"} > 0`)
}

// failATask starts a workflow of a type that no worker knows. The metric of failing tasks does not exist before that.
func (w *watched) failATask() {
	_, err := w.temporal.ExecuteWorkflow(w.Context(), client.StartWorkflowOptions{TaskQueue: workflows.DefaultTaskQueue}, "NobodyKnowsIt")
	require.NoError(w.T, err)
	w.finds(`ALERTS{alertname="InorderWorkflowTasksFail", alertstate="firing", job="inorder", absent=""}`)
}

// finds repeats the query until it returns a number.
func (w *watched) finds(expr string) {
	w.T.Helper()
	require.Eventually(w.T, func() bool { return len(w.ask(expr)) > 0 }, testenv.Patience, 200*time.Millisecond, expr)
}

// ask returns the numbers that a query returns now, without NaN.
func (w *watched) ask(expr string) (found []float64) {
	body, err := w.get("/api/v1/query?query=" + url.QueryEscape(expr))
	require.NoError(w.T, err, expr)
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	require.NoError(w.T, json.Unmarshal(body, &answer))
	for _, r := range answer.Data.Result {
		if n, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64); err == nil && n == n { // NaN is not equal to itself
			found = append(found, n)
		}
	}
	return found
}
