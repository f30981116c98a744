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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// subject is one way for an event to its end.
type subject struct {
	name string
	url  string
	done func(context.Context) (int64, error) // events that reached their end so far
}

const (
	serve         = "inorder serve"
	serveBefore   = "inorder serve, before"
	serveInbox    = "inorder serve, with its inbox"
	inboxBefore   = "inorder serve, with its inbox, before"
	separate      = "inorder receiver + worker"
	emptyWorkflow = "empty workflow (the engine's limit)"
	plainHandler  = "plain handler (no Temporal)"
)

// startSubjects starts the subjects of these names in processes of their own, each with its own task queue. They idle while
// another one is measured. stop ends them. before, which may be empty, is an older program, which works on the newer schema.
func startSubjects(ctx context.Context, program, before string, pool *pgxpool.Pool, names ...string) (subjects []subject, stop func(), err error) {
	var running processes
	stop = running.stop
	migrate := exec.CommandContext(ctx, program, "migrate")
	migrate.Stderr = os.Stderr
	if err := migrate.Run(); err != nil {
		return nil, stop, fmt.Errorf("%s migrate: %w", program, err)
	}
	applied := func(ctx context.Context) (n int64, err error) {
		err = pool.QueryRow(ctx, `SELECT count(*) FROM webhook_events`).Scan(&n)
		return n, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, stop, err
	}
	all := []struct {
		name string
		done func(context.Context) (int64, error)
		runs [][]string
	}{
		{serve, applied, [][]string{{"env", "INBOX=off", program, "serve"}}}, // each event a workflow, however many come
		{emptyWorkflow, nil, [][]string{{self, "empty"}}},                    // right after it, so that both meet the same neighbours
		{serveBefore, applied, [][]string{{before, "serve"}}},
		{separate, applied, [][]string{{"env", "INBOX=off", program, "receiver"}, {program, "worker"}}},
		{plainHandler, nil, [][]string{{self, "plain"}}},
		{serveInbox, applied, [][]string{{program, "serve"}}},
		{inboxBefore, applied, [][]string{{before, "serve"}}},
	}
	for i, s := range all {
		if !slices.Contains(names, s.name) || before == "" && s.runs[0][0] == before {
			continue
		}
		one, err := running.start(ctx, s.name, "bench-"+strconv.Itoa(i), s.runs)
		if err != nil {
			return nil, stop, fmt.Errorf("%s: %w", s.name, err)
		}
		if s.done != nil {
			one.done = s.done
		}
		subjects = append(subjects, one)
	}
	return subjects, stop, nil
}

// processes are those of all subjects.
type processes []*exec.Cmd

// start runs the commands of one subject, and returns it when it is ready. Its own process counts the events that ended.
func (all *processes) start(ctx context.Context, name, queue string, commands [][]string) (subject, error) {
	addr, err := freeAddr()
	if err != nil {
		return subject{}, err
	}
	doneAddr, err := freeAddr()
	if err != nil {
		return subject{}, err
	}
	for _, command := range commands {
		p := exec.Command(command[0], command[1:]...)
		p.Env = append(os.Environ(), "LISTEN_ADDR="+addr, "ADMIN_ADDR=127.0.0.1:0", "WEBHOOK_SECRETS="+secret, "LOG_LEVEL=warn",
			"TASK_QUEUE="+queue, doneVariable+"="+doneAddr)
		p.Stderr = os.Stderr
		p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours to pass on
		if err := p.Start(); err != nil {
			return subject{}, err
		}
		*all = append(*all, p)
	}
	one := subject{name: name, url: "http://" + addr, done: countAt("http://" + doneAddr)}
	return one, ready(ctx, one.url)
}

func (all *processes) stop() {
	for _, p := range *all {
		_ = p.Process.Signal(syscall.SIGTERM)
	}
	for _, p := range *all {
		_ = p.Wait()
	}
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
	for range 600 {
		if resp, err := http.Get(url + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("not ready after a minute")
}

// countAt asks a peer how many events reached their end.
func countAt(url string) func(context.Context) (int64, error) {
	return func(context.Context) (int64, error) {
		resp, err := http.Get(url)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return 0, err
		}
		return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	}
}
