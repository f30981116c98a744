package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/dev/stack"
	"inorder/internal/delivery"
	"inorder/internal/sample"
)

// stage is a while of open-loop load: deliveries come at their times, whether the earlier ones are answered or not.
type stage struct {
	name  string
	rate  int // events per second
	lasts time.Duration
	stop  func(s *stack.Stack) (cont func()) // stops a server for all of the stage; nil: calm
}

// runOutages measures, on servers of its own, the acknowledgements in calm and while a server is stopped (SIGSTOP), and when the
// events were applied.
func runOutages(ctx context.Context, program string, lasts time.Duration) error {
	servers, err := stack.Start(ctx, stack.Options{Fsync: true, Out: os.Stderr})
	if err != nil {
		return err
	}
	defer servers.Stop()
	os.Setenv("DATABASE_URL", servers.SuperuserURL)
	os.Setenv("TEMPORAL_ADDRESS", servers.TemporalAddress)
	migrate := exec.CommandContext(ctx, program, "migrate")
	if out, err := migrate.CombinedOutput(); err != nil {
		return fmt.Errorf("%s migrate: %w\n%s", program, err, out)
	}
	pool, err := pgxpool.New(ctx, servers.SuperuserURL)
	if err != nil {
		return err
	}
	defer pool.Close()
	var running processes
	defer running.stop()
	s, err := running.start(ctx, serve, "bench-outages", [][]string{{program, "serve"}})
	if err != nil {
		return err
	}
	stages := []stage{
		{"to warm up", 20, 5 * time.Second, nil},
		{"calm", 20, lasts / 2, nil},
		{"calm", 80, lasts / 2, nil},
		{"Temporal stopped", 200, lasts, func(s *stack.Stack) func() { return pause(s.Temporal.PID()) }},
		{"PostgreSQL stopped", 50, lasts, func(s *stack.Stack) func() { return pause(s.Postgres.PID()) }},
	}
	for _, stage := range stages {
		if err := stage.run(ctx, s, servers, pool); err != nil {
			return fmt.Errorf("%s, %d/s: %w", stage.name, stage.rate, err)
		}
	}
	return nil
}

func (g stage) run(ctx context.Context, s subject, servers *stack.Stack, pool *pgxpool.Pool) error {
	if err := awaitCalm(ctx, s, pool); err != nil {
		return err
	}
	cont := func() {}
	if g.stop != nil {
		cont = g.stop(servers)
	}
	n := g.rate * int(g.lasts/time.Second)
	ids, acks, refused := g.load(ctx, s, n)
	cont()
	begin := time.Now()
	err := poll(ctx, func() (bool, error) {
		var ended int
		err := pool.QueryRow(ctx, `SELECT count(*) FROM webhook_events WHERE event_id = ANY ($1)`, ids).Scan(&ended)
		return ended >= n-refused, err // what is refused may be durable all the same
	})
	if err != nil {
		return err
	}
	after := time.Since(begin)
	var viaInbox, left int
	var late float64
	err = pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE via = 'inbox'), (SELECT count(*) FROM event_inbox),
		coalesce(extract(epoch FROM max(processed_at - received_at) FILTER (WHERE via = 'inbox')), 0) FROM webhook_events WHERE event_id = ANY ($1)`, ids).Scan(&viaInbox, &left, &late)
	if err != nil {
		return err
	}
	slices.Sort(acks)
	fmt.Printf("%-18s %3d/s for %s: %d events, %d refused, ack p50 %s, p99 %s, max %s; %d by the inbox, the last of them applied %.1f s after its receipt; all ended %s after the stage, %d left in the inbox\n",
		g.name, g.rate, g.lasts, n, refused, acks[n/2].Round(100*time.Microsecond), acks[n*99/100].Round(100*time.Microsecond), acks[n-1].Round(time.Millisecond),
		viaInbox, late, after.Round(100*time.Millisecond), left)
	return nil
}

// awaitCalm waits until the last stage is over: Temporal takes events again, and the inbox is empty.
func awaitCalm(ctx context.Context, s subject, pool *pgxpool.Pool) error {
	client := newClient(1)
	defer client.CloseIdleConnections()
	return poll(ctx, func() (calm bool, err error) {
		result, err := postOne(ctx, client, s.url, newPosting())
		if err == nil {
			err = pool.QueryRow(ctx, `SELECT count(*) = 0 FROM event_inbox`).Scan(&calm)
		}
		return calm && result == delivery.ResultAccepted, err
	})
}

// load posts n events, each at its time. A refused one counts with the time of its answer.
func (g stage) load(ctx context.Context, s subject, n int) (ids []string, acks []time.Duration, refused int) {
	client := newClient(256)
	defer client.CloseIdleConnections()
	acks = make([]time.Duration, n)
	var all sync.WaitGroup
	var mu sync.Mutex
	begin := time.Now()
	for i := range n {
		id := sample.NewID("evt_")
		ids = append(ids, id)
		body := sample.Event(sample.Options{ID: id, Type: "order.created", OrderID: sample.NewID("order_")})
		time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(g.rate))))
		all.Go(func() {
			posted := time.Now()
			_, err := postOne(ctx, client, s.url, posting{body, delivery.Sign(secret, body)})
			acks[i] = time.Since(posted)
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				if refused++; refused == 1 {
					fmt.Fprintln(os.Stderr, err)
				}
			}
		})
	}
	all.Wait()
	return ids, acks, refused
}

// pause stops a process with all of its children, and returns what lets them go on.
func pause(pid int) (cont func()) {
	pids := append(children(pid), pid)
	signal := func(s syscall.Signal) {
		for _, p := range pids {
			_ = syscall.Kill(p, s)
		}
	}
	signal(syscall.SIGSTOP)
	return func() { signal(syscall.SIGCONT) }
}

func children(pid int) (pids []int) {
	out, _ := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
	for _, line := range strings.Fields(string(out)) {
		if child, err := strconv.Atoi(line); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}
