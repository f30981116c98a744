package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"inorder/internal/devstack"
)

// runSystem runs PostgreSQL, Temporal and inorder until ctx ends or one of the servers does. inorder itself is started
// again when it ends, so that one can kill it and watch it recover.
func runSystem(ctx context.Context, root string) (err error) {
	s, err := newSettings(root)
	if err != nil {
		return err
	}
	fmt.Println("Starting PostgreSQL and Temporal …")
	stack, err := devstack.Start(ctx, devstack.Options{Root: root, Dir: s.stateDir, DatabaseURL: os.Getenv("DATABASE_URL"),
		PostgresPort: s.postgresPort, TemporalPort: s.temporalPort, UIPort: s.uiPort, Out: os.Stdout})
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, stack.Stop(), os.Remove(s.envFile))
		fmt.Println("Everything is stopped. State is kept in", s.stateDir)
	}()
	env := append(os.Environ(), "DATABASE_URL="+stack.DatabaseURL, "TEMPORAL_ADDRESS="+stack.TemporalAddress,
		"LISTEN_ADDR="+s.listenAddr, "ADMIN_ADDR="+s.adminAddr, "ADMIN_TOKEN="+s.adminToken, "WEBHOOK_SECRETS="+s.secrets)

	migrate := exec.CommandContext(ctx, s.program, "migrate")
	migrate.Env, migrate.Stdout, migrate.Stderr = env, os.Stdout, os.Stderr
	if err := migrate.Run(); err != nil {
		return fmt.Errorf("inorder migrate: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { cancel(stack.Died(ctx)) }()
	if err := serve(ctx, s, stack, env); err != nil {
		return err
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// quickEnds is how often inorder may end within a few seconds of its start before it is given up.
const quickEnds = 3

func serve(ctx context.Context, s settings, stack *devstack.Stack, env []string) error {
	for quick := 0; ; {
		cmd := exec.Command(s.program, "serve")
		cmd.Env, cmd.Stdout, cmd.Stderr = env, os.Stdout, os.Stderr
		begin := time.Now()
		p, err := devstack.StartProcess("inorder serve", cmd, "", syscall.SIGTERM)
		if err != nil {
			return err
		}
		if err := s.writeEnv(stack, p.PID()); err != nil {
			return errors.Join(err, p.Stop())
		}
		if awaitReady(ctx, s.receiverURL(), p) {
			s.greet(os.Stdout, stack)
		}
		select {
		case <-ctx.Done():
			fmt.Println("Stopping …")
			return p.Stop()
		case <-p.Done():
		}
		if time.Since(begin) > 10*time.Second {
			quick = 0
		} else if quick++; quick == quickEnds {
			return fmt.Errorf("inorder serve ended %d times within seconds (%v): its log above says why", quick, p.Err())
		}
		fmt.Printf("inorder serve ended (%v); starting it again\n", p.Err())
	}
}

func awaitReady(ctx context.Context, url string, p *devstack.Process) bool {
	for {
		if resp, err := http.Get(url + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-ctx.Done():
			return false
		case <-p.Done():
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// settings are where things are.
type settings struct {
	program  string // bin/inorder
	stateDir string // of the servers
	envFile  string // .dev/env

	listenAddr, adminAddr, adminToken, secrets string
	postgresPort, temporalPort, uiPort         int
}

func newSettings(root string) (settings, error) {
	dev := filepath.Join(root, ".dev")
	s := settings{
		program:    filepath.Join(root, "bin", "inorder"),
		envFile:    filepath.Join(dev, "env"),
		listenAddr: setting("LISTEN_ADDR", "127.0.0.1:3000"),
		adminAddr:  setting("ADMIN_ADDR", "127.0.0.1:3001"),
	}
	var err error
	for _, p := range []struct {
		port           *int
		name, standard string
	}{{&s.postgresPort, "POSTGRES_PORT", "5433"}, {&s.temporalPort, "TEMPORAL_PORT", "7233"}, {&s.uiPort, "TEMPORAL_UI_PORT", "8233"}} {
		if *p.port, err = strconv.Atoi(setting(p.name, p.standard)); err != nil {
			return s, fmt.Errorf("%s is not a port number", p.name)
		}
	}
	for _, a := range [][2]string{{s.listenAddr, "LISTEN_ADDR"}, {s.adminAddr, "ADMIN_ADDR"}} {
		_, text, err := net.SplitHostPort(a[0])
		if err != nil {
			return s, fmt.Errorf("%s is not host:port", a[1])
		}
		port, _ := strconv.Atoi(text)
		if _, err := devstack.Port(port, "inorder", a[1]); err != nil {
			return s, err
		}
	}
	if err := os.MkdirAll(dev, 0o755); err != nil {
		return s, err
	}
	if s.stateDir, err = devstack.StateDir(dev); err != nil {
		return s, err
	}
	if s.secrets, err = kept(filepath.Join(dev, "webhook-secret"), "whsec_", "WEBHOOK_SECRETS"); err != nil {
		return s, err
	}
	s.adminToken, err = kept(filepath.Join(dev, "admin-token"), "", "ADMIN_TOKEN")
	return s, err
}

func setting(name, standard string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return standard
}

func (s settings) receiverURL() string { return "http://" + s.listenAddr }
