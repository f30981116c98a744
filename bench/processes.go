package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/bench/peers"
)

// subject is a running subject.
type subject struct {
	design
	on        servers // the servers that it uses
	name      string
	url       string
	pool      *pgxpool.Pool // on its database
	env       []string      // of its processes
	processes []*exec.Cmd
	endedAddr string // where a subject that counts reports its number of ended events
	trips     *proxy // nil: not counted
}

// startSubject starts a subject, and returns it when it is ready. The caller must stop it, even after an error.
func (b *bench) startSubject(ctx context.Context, on servers, name string, d design, number int, counted bool) (*subject, error) {
	s := &subject{design: d, on: on, name: name}
	id := fmt.Sprintf("bench_%d", number)
	databaseURL, err := on.newDatabase(ctx, id)
	if err != nil {
		return s, err
	}
	if s.pool, err = pgxpool.New(ctx, databaseURL); err != nil {
		return s, err
	}
	if counted {
		if s.trips, databaseURL, err = newProxy(databaseURL); err != nil {
			return s, err
		}
	}
	env := append(os.Environ(), "DATABASE_URL="+databaseURL, "TEMPORAL_ADDRESS="+on.TemporalAddress, "TEMPORAL_NAMESPACE="+id, "TASK_QUEUE="+id,
		"ADMIN_ADDR=127.0.0.1:0", "WEBHOOK_SECRETS="+peers.Secret, "LOG_LEVEL=warn")
	if d.migrate != "" {
		if err := on.newNamespace(ctx, id); err != nil {
			return s, err
		}
		migrate := exec.CommandContext(ctx, d.migrate, "migrate")
		migrate.Env = env
		if out, err := migrate.CombinedOutput(); err != nil {
			return s, fmt.Errorf("%s migrate: %w\n%s", d.migrate, err, out)
		}
	}
	if d.fullTable {
		if err := fill(ctx, s.pool, 1); err != nil {
			return s, fmt.Errorf("fill its tables: %w", err)
		}
	}
	return s, s.start(ctx, env)
}

func (s *subject) start(ctx context.Context, env []string) (err error) {
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	if s.counts {
		if s.endedAddr, err = freeAddr(); err != nil {
			return err
		}
		env = append(env, peers.EndedVariable+"="+s.endedAddr)
	}
	s.env = append(env, "LISTEN_ADDR="+addr)
	if err := s.launch(s.commands); err != nil {
		return err
	}
	s.url = "http://" + addr
	return ready(ctx, s.url)
}

func (s *subject) launch(commands [][]string) error {
	for _, command := range commands {
		p := exec.Command(command[0], command[1:]...)
		p.Env = s.env
		p.Stderr = os.Stderr
		p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches only us; we stop the processes
		if err := p.Start(); err != nil {
			return err
		}
		s.processes = append(s.processes, p)
	}
	return nil
}

// end stops all processes but the first n, and waits for them.
func (s *subject) end(n int) {
	for _, p := range s.processes[n:] {
		_ = p.Process.Signal(syscall.SIGTERM)
	}
	for _, p := range s.processes[n:] {
		_ = p.Wait()
	}
	s.processes = s.processes[:n]
}

func (s *subject) stop() {
	s.end(0)
	if s.trips != nil {
		s.trips.close()
	}
	if s.pool != nil {
		s.pool.Close()
	}
}

// ended returns how many events have ended since the given time or, for a subject that counts, since its start.
func (s *subject) ended(ctx context.Context, since time.Time) (n int, err error) {
	if !s.counts {
		err = s.pool.QueryRow(ctx, `SELECT count(*) FROM webhook_events WHERE processed_at >= $1`, since).Scan(&n)
		return n, err
	}
	resp, err := http.Get("http://" + s.endedAddr)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func ready(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := poll(ctx, 50*time.Millisecond, func() (bool, error) {
		resp, err := http.Get(url + "/readyz")
		if err != nil {
			return false, nil
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK, nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("not ready after a minute")
	}
	return err
}
