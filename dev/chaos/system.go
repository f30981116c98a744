package chaos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"

	"inorder/dev/proxy"
	"inorder/dev/stack"
)

// system is a set of inorder's processes on their own servers, with a proxy in every connection.
type system struct {
	plan      Plan
	program   string
	dir       string // of the processes' logs
	stack     *stack.Stack
	disk      *disk // PostgreSQL's; nil if this machine can't fill it
	pool      *pgxpool.Pool
	engine    client.Client
	processes map[string]*process
	proxies   map[string]*proxy.Proxy
	urls      map[string]string // of the receivers, through their proxies
	admins    map[string]string // the admin API of each process

	quiet sync.RWMutex // write-locked while neither senders nor the operator may act
	mu    sync.Mutex
	notes []string
}

// process is a process of inorder. Its supervisor restarts it when it ends, but not while a fault holds it down.
type process struct {
	server *stack.Server
	held   sync.Mutex
	stop   context.CancelFunc
	ended  chan struct{}
}

// startSystem returns when all receivers are ready.
func startSystem(ctx context.Context, o Options, dir string) (s *system, err error) {
	s = &system{program: o.Program, dir: dir, processes: map[string]*process{}, proxies: map[string]*proxy.Proxy{}, urls: map[string]string{}, admins: map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.stack, err = stack.Start(ctx, stack.Options{Root: o.Root, Out: o.Out}); err != nil {
		return s, err
	}
	if s.pool, err = pgxpool.New(ctx, s.stack.SuperuserURL); err != nil {
		return s, err
	}
	s.engine, err = client.NewLazyClient(client.Options{HostPort: s.stack.TemporalAddress, Identity: "chaos", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return s, err
	}
	if s.disk, err = newDisk(ctx, s.stack, s.pool); err != nil {
		s.note("no full-disk faults: " + err.Error())
	}
	s.plan = newPlan(o.Seed, o.Duration, s.disk != nil)
	if out, err := s.command(ctx, "migrate"); err != nil {
		return s, fmt.Errorf("inorder migrate: %w\n%s", err, out)
	}
	for _, name := range s.plan.processes() {
		if err := s.launch(ctx, name); err != nil {
			return s, err
		}
	}
	return s, s.awaitReady(ctx)
}

// env returns the environment of a process that reaches the servers at these addresses.
func (s *system) env(postgresAt, temporalAt, listen, admin string) []string {
	u, _ := url.Parse(s.stack.DatabaseURL) // can't fail: package stack made the URL
	u.Host = postgresAt
	return append(os.Environ(), "DATABASE_URL="+u.String(), "TEMPORAL_ADDRESS="+temporalAt, "LISTEN_ADDR="+listen, "ADMIN_ADDR="+admin, "ADMIN_TOKEN="+token,
		"WEBHOOK_SECRETS="+secret, "INBOX="+s.plan.Inbox, "PENDING_RECHECK="+s.plan.Recheck.String())
}

func (s *system) postgresAddr() string {
	u, _ := url.Parse(s.stack.DatabaseURL)
	return u.Host
}

// command runs a command of inorder and waits for it. The command reaches the servers directly, without proxies.
func (s *system) command(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program, name)
	cmd.Env = s.env(s.postgresAddr(), s.stack.TemporalAddress, "127.0.0.1:0", "127.0.0.1:0")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// launch starts a process, its proxies and its supervisor.
func (s *system) launch(ctx context.Context, name string) error {
	port, err := stack.FreePort()
	if err != nil {
		return err
	}
	adminPort, err := stack.FreePort()
	if err != nil {
		return err
	}
	listen, admin := "127.0.0.1:"+strconv.Itoa(port), "127.0.0.1:"+strconv.Itoa(adminPort)
	targets := map[string]string{link(name, postgres): s.postgresAddr(), link(name, temporal): s.stack.TemporalAddress, link(senders, name): listen}
	for link, target := range targets {
		if s.proxies[link], err = proxy.New(target); err != nil {
			return err
		}
	}
	s.urls[name] = "http://" + s.proxies[link(senders, name)].Addr()
	s.admins[name] = "http://" + admin
	env := s.env(s.proxies[link(name, postgres)].Addr(), s.proxies[link(name, temporal)].Addr(), listen, admin)
	server, err := stack.Launch(ctx, stack.Command{Name: name, Dir: s.dir, Path: s.program, Args: []string{s.plan.Commands[name]}, Env: env, Grace: 30 * time.Second})
	if err != nil {
		return err
	}
	supervised, stop := context.WithCancel(context.Background())
	p := &process{server: server, stop: stop, ended: make(chan struct{})}
	s.processes[name] = p
	go s.supervise(supervised, name, p)
	return nil
}

// supervise restarts a process whenever it ends, as a service manager does. It notes each end that no fault caused.
func (s *system) supervise(ctx context.Context, name string, p *process) {
	defer close(p.ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.server.Exited():
		}
		if p.held.TryLock() {
			s.note(name + " ended by itself: " + p.server.End())
		} else {
			p.held.Lock()
		}
		err := p.server.Start(ctx)
		p.held.Unlock()
		if err != nil {
			s.note(err.Error())
		}
		pause(ctx, time.Second)
	}
}

func (s *system) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for _, name := range s.plan.receivers() {
		for !isReady(ctx, s.urls[name]) {
			if pause(ctx, 100*time.Millisecond); ctx.Err() != nil {
				return fmt.Errorf("%s is not ready: its log is in %s", name, s.dir)
			}
		}
	}
	return nil
}

func isReady(ctx context.Context, at string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (s *system) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, time.Now().Format("15:04:05.000 ")+what)
}

// close stops everything, and copies the servers' logs to those of the processes.
func (s *system) close() (err error) {
	for _, p := range s.processes {
		p.stop()
		<-p.ended
		err = errors.Join(err, p.server.Stop())
	}
	for _, p := range s.proxies {
		p.Close()
	}
	if s.engine != nil {
		s.engine.Close()
	}
	if s.pool != nil {
		s.pool.Close()
	}
	if s.stack == nil {
		return err
	}
	for _, name := range []string{"postgres.log", "temporal.log"} {
		text, readErr := os.ReadFile(filepath.Join(s.stack.Dir, name))
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(s.dir, name), text, 0o600))
	}
	if s.disk != nil {
		err = errors.Join(err, s.stack.Postgres.Stop(), s.disk.remove())
	}
	return errors.Join(err, s.stack.Stop())
}
