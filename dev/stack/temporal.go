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

// SearchAttributes are what inorder's workflows carry, all of them keywords.
var SearchAttributes = []string{"OrderId", "StoreId", "EventType", "EventPhase"}

// temporal is Temporal's development server: all its services and the UI in one process, its state in one SQLite file.
type temporal struct {
	dir          string
	binary       string
	port, uiPort int
	fsync        bool     // without it a killed server keeps what it took all the same, and takes 1.4 times as many workflows
	args, env    []string // after the usual ones
}

// retention is how long the server keeps what has ended.
const retention = 7 * 24 * time.Hour

func (t *temporal) address() string { return loopback + ":" + strconv.Itoa(t.port) }
func (t *temporal) uiURL() string   { return "http://" + loopback + ":" + strconv.Itoa(t.uiPort) }

// start runs the server and returns when its default namespace and the UI answer.
func (t *temporal) start(ctx context.Context) (*Server, error) {
	data := filepath.Join(t.dir, "temporal")
	complete := filepath.Join(data, "complete")
	if _, err := os.Stat(complete); err != nil { // a first start that was killed leaves half a schema
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
		// How long a new namespace stays unknown to parts of the server, ten seconds by default: tests make many.
		"--dynamic-config-value", `system.namespaceCacheRefreshInterval="1s"`,
	}
	for _, name := range SearchAttributes {
		args = append(args, "--search-attribute", name+"=Keyword")
	}
	// Collecting garbage less often saves a tenth of the processor time, for some hundred megabytes: docs/scaling.md has the figures.
	env := append(append(os.Environ(), "GOGC=400"), t.env...)
	s, err := Launch(ctx, Command{Name: "temporal", Dir: t.dir, Path: t.binary, Args: append(args, t.args...), Env: env, Ready: t.ready})
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
	// A day, the server's default, is shorter than REDELIVERY_HORIZON, which inorder warns of.
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

// dial connects, or says why not.
func dial(ctx context.Context, address, namespace string) (client.Client, error) {
	return client.DialContext(ctx, client.Options{HostPort: address, Namespace: namespace, Logger: slog.New(slog.DiscardHandler)})
}

// TemporalCLI returns the path of the Temporal CLI: from PATH, else bin/temporal of the checkout, which is built if it is
// missing or does not run. out gets its progress.
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

// runs reports whether the program does, and is one that has a version.
func runs(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, path, "--version").Run() == nil
}

// buildTemporal builds bin/temporal. Packages tested at the same time build it once: the others wait.
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
