package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
)

// SearchAttributes are the search attributes of inorder's workflows, all of type Keyword.
var SearchAttributes = []string{"OrderId", "StoreId", "EventType", "EventPhase"}

// temporal is Temporal's development server: all its services and the UI in one process, its state in one SQLite file.
type temporal struct {
	dir          string
	binary       string
	port, uiPort int
	fsync        bool     // without it, a killed server still keeps what it accepted, and accepts 1.4 times as many workflows
	args, env    []string // appended to the default ones
}

// retention is how long the server keeps closed workflows.
const retention = 7 * 24 * time.Hour

func (t *temporal) address() string { return loopback + ":" + strconv.Itoa(t.port) }
func (t *temporal) uiURL() string   { return "http://" + loopback + ":" + strconv.Itoa(t.uiPort) }

// start starts the server and returns when its default namespace and the UI answer.
func (t *temporal) start(ctx context.Context) (*Server, error) {
	data := filepath.Join(t.dir, "temporal")
	complete := filepath.Join(data, "complete")
	if _, err := os.Stat(complete); err != nil { // if the first start was killed, it left an incomplete schema
		if err := errors.Join(os.RemoveAll(data), os.Mkdir(data, 0o700)); err != nil {
			return nil, err
		}
	}
	synchronous := "off"
	if t.fsync {
		synchronous = "normal"
	}
	args := []string{"server", "start-dev", "--ip", loopback,
		"--port", strconv.Itoa(t.port), "--ui-port", strconv.Itoa(t.uiPort),
		"--db-filename", filepath.Join(data, "temporal.db"), "--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=" + synchronous,
		// How long parts of the server don't know a new namespace, ten seconds by default. Tests create many.
		"--dynamic-config-value", `system.namespaceCacheRefreshInterval="1s"`,
	}
	for _, name := range SearchAttributes {
		args = append(args, "--search-attribute", name+"=Keyword")
	}
	// Less frequent garbage collection saves a tenth of the CPU time and costs some hundred megabytes: see docs/scaling.md.
	env := append(append(os.Environ(), "GOGC=400"), t.env...)
	s, err := Launch(ctx, Command{Name: "temporal", Dir: t.dir, Path: t.binary, Args: append(args, t.args...), Env: env, Ready: t.ready, Grace: time.Minute})
	if err != nil {
		return nil, err
	}
	return s, os.WriteFile(complete, nil, 0o600)
}

func (t *temporal) ready(ctx context.Context) error {
	c, err := dial(ctx, t.address(), client.DefaultNamespace)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return err
	}
	if _, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{}); err != nil {
		return err
	}
	// The server's default, one day, is shorter than REDELIVERY_HORIZON, and inorder would warn about that.
	_, err = c.WorkflowService().UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{Namespace: client.DefaultNamespace,
		Config: &namespacepb.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(retention)}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.uiURL(), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// dial connects at once. It logs nothing.
func dial(ctx context.Context, address, namespace string) (client.Client, error) {
	return client.DialContext(ctx, client.Options{HostPort: address, Namespace: namespace, Logger: slog.New(slog.DiscardHandler)})
}

// TemporalCLI returns the path of the Temporal CLI: from PATH, else bin/temporal of the checkout. It builds bin/temporal if
// that is missing or does not run, and writes the progress to out.
func TemporalCLI(ctx context.Context, root string, out io.Writer) (string, error) {
	if path, err := exec.LookPath("temporal"); err == nil && runs(ctx, path) {
		return path, nil
	}
	root, err := filepath.Abs(root) // the build has another working directory
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", "temporal")
	if runs(ctx, path) {
		return path, nil
	}
	return path, buildTemporal(ctx, root, path, out)
}

// runs reports whether the program exists, runs and prints its version.
func runs(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, path, "--version").Run() == nil
}

// buildTemporal builds bin/temporal. If several packages are tested at once, one builds it and the others wait.
func buildTemporal(ctx context.Context, root, path string, out io.Writer) error {
	unlock, err := waitForLock(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if runs(ctx, path) {
		return nil
	}
	began := time.Now()
	fmt.Fprintln(out, "Temporal: no temporal in PATH, building bin/temporal once: about three minutes on two cores")
	built := make(chan error, 1)
	go func() {
		built <- goBuild(ctx, filepath.Join(root, "tools", "temporal"), path, "github.com/temporalio/cli/cmd/temporal")
	}()
	progress := time.NewTicker(15 * time.Second)
	defer progress.Stop()
	for {
		select {
		case err := <-built:
			fmt.Fprintf(out, "Temporal: build ended after %s\n", time.Since(began).Round(time.Second))
			return err
		case <-progress.C:
			fmt.Fprintf(out, "Temporal: still building, %s so far\n", time.Since(began).Round(time.Second))
		}
	}
}
