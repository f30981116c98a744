package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"log/slog"
)

// The CLI's module is pinned in tools/temporal/go.mod; it has the server and its UI inside.
var discard = slog.New(slog.DiscardHandler)

const temporalPackage = "github.com/temporalio/cli/cmd/temporal"

// TemporalCLI is the Temporal CLI: from PATH, else bin/temporal, else built there once.
func TemporalCLI(ctx context.Context, root string, out io.Writer) (string, error) {
	built := filepath.Join(root, "bin", "temporal")
	for _, candidate := range []string{"temporal", built} {
		if path, err := exec.LookPath(candidate); err == nil && exec.CommandContext(ctx, path, "--version").Run() == nil {
			return path, nil
		}
	}
	fmt.Fprintln(out, "There is no Temporal CLI on this machine: building it from its Go module, once. This takes about three minutes.")
	begin := time.Now()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", built, temporalPackage)
	cmd.Dir = filepath.Join(root, "tools", "temporal")
	cmd.Stderr = out
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("build the Temporal CLI: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for tick := time.NewTicker(20 * time.Second); ; {
		select {
		case <-tick.C:
			fmt.Fprintf(out, "  still building the Temporal CLI, %s so far\n", time.Since(begin).Round(time.Second))
		case err := <-ended:
			if err != nil {
				return "", fmt.Errorf("build the Temporal CLI: %w", err)
			}
			fmt.Fprintf(out, "  built %s in %s\n", built, time.Since(begin).Round(time.Second))
			return built, nil
		}
	}
}

func startTemporal(ctx context.Context, cli, dir string, o Options, s *Stack) (*Process, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	port, err := Port(o.TemporalPort, "Temporal", "TEMPORAL_PORT")
	if err != nil {
		return nil, err
	}
	ui, err := Port(o.UIPort, "the Temporal UI", "TEMPORAL_UI_PORT")
	if err != nil {
		return nil, err
	}
	args := []string{"server", "start-dev", "--ip", "127.0.0.1", "--port", strconv.Itoa(port), "--ui-port", strconv.Itoa(ui),
		"--db-filename", filepath.Join(dir, "temporal.db"), "--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal",
		"--log-level", "warn"}
	for _, name := range []string{"OrderId", "StoreId", "EventType", "EventPhase"} {
		args = append(args, "--search-attribute", name+"=Keyword")
	}
	p, err := StartProcess("Temporal", exec.Command(cli, args...), dir+".log", syscall.SIGTERM)
	if err != nil {
		return nil, err
	}
	s.TemporalAddress = "127.0.0.1:" + strconv.Itoa(port)
	s.TemporalUIURL = "http://127.0.0.1:" + strconv.Itoa(ui)
	if err := p.await(ctx, func(ctx context.Context) error { return askTemporal(ctx, s.TemporalAddress) }); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// askTemporal succeeds when the server answers and its namespace can be used.
func askTemporal(ctx context.Context, address string) error {
	c, err := client.DialContext(ctx, client.Options{HostPort: address, Logger: log.NewStructuredLogger(discard)})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: client.DefaultNamespace})
	if err == nil {
		_, err = c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: `OrderId = "x"`})
	}
	return err
}
