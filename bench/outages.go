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

	"inorder/internal/delivery"
	"inorder/internal/sample"
)

// stage is a period of open-loop load: deliveries are posted at fixed times, whether or not the earlier ones are answered.
type stage struct {
	name  string
	rate  int // events per second
	lasts time.Duration
	stop  func(s servers) (cont func()) // stops a server for the whole stage; nil: no outage
}

// runOutages measures, on its own servers, the acknowledgements with and without a stopped (SIGSTOP) server, and when the
// events are applied.
func runOutages(ctx context.Context, program string, lasts time.Duration) error {
	on, err := startServers(ctx)
	if err != nil {
		return err
	}
	defer on.Stop()
	b := bench{program: program}
	designs, err := b.designs()
	if err != nil {
		return err
	}
	s, err := b.startSubject(ctx, on, serve, designs[serve], 0, false)
	defer s.stop()
	if err != nil {
		return err
	}
	stages := []stage{
		{"to warm up", 20, 5 * time.Second, nil},
		{"calm", 20, lasts / 2, nil},
		{"calm", 80, lasts / 2, nil},
		{"Temporal stopped", 200, lasts, func(s servers) func() { return pause(s.Temporal.PID()) }},
		{"PostgreSQL stopped", 50, lasts, func(s servers) func() { return pause(s.Postgres.PID()) }},
	}
	for _, stage := range stages {
		if err := stage.run(ctx, s, on); err != nil {
			return fmt.Errorf("%s, %d/s: %w", stage.name, stage.rate, err)
		}
	}
	return nil
}

func (g stage) run(ctx context.Context, s *subject, on servers) error {
	if err := awaitCalm(ctx, s); err != nil {
		return err
	}
	cont := func() {}
	if g.stop != nil {
		cont = g.stop(on)
	}
	n := g.rate * int(g.lasts/time.Second)
	ids, acks, refused := g.load(ctx, s, n)
	cont()
	begin := time.Now()
	err := poll(ctx, 5*time.Millisecond, func() (bool, error) {
		var ended int
		err := s.pool.QueryRow(ctx, `SELECT count(*) FROM webhook_events WHERE event_id = ANY ($1)`, ids).Scan(&ended)
		return ended >= n-refused, err // a refused event may have become durable all the same
	})
	if err != nil {
		return err
	}
	after := time.Since(begin)
	var viaInbox, left int
	var late float64
	err = s.pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE via = 'inbox'), (SELECT count(*) FROM event_inbox),
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

// awaitCalm waits until the effects of the last stage are over: Temporal accepts events again, and the inbox is empty.
func awaitCalm(ctx context.Context, s *subject) error {
	client := newClient(1)
	defer client.CloseIdleConnections()
	return poll(ctx, 5*time.Millisecond, func() (calm bool, err error) {
		result, err := postOne(ctx, client, s.url, newPosting(sample.Options{Type: "order.created", OrderID: sample.NewID("order_")}))
		if err == nil {
			err = s.pool.QueryRow(ctx, `SELECT count(*) = 0 FROM event_inbox`).Scan(&calm)
		}
		return calm && result == delivery.ResultAccepted, err
	})
}

// load posts n events, each when it is due. acks has the latency of every answer, including refusals.
func (g stage) load(ctx context.Context, s *subject, n int) (ids []string, acks []time.Duration, refused int) {
	client := newClient(256)
	defer client.CloseIdleConnections()
	acks = make([]time.Duration, n)
	var all sync.WaitGroup
	var mu sync.Mutex
	begin := time.Now()
	for i := range n {
		id := sample.NewID("evt_")
		ids = append(ids, id)
		d := newPosting(sample.Options{ID: id, Type: "order.created", OrderID: sample.NewID("order_")})
		due := begin.Add(time.Duration(i) * time.Second / time.Duration(g.rate))
		time.Sleep(time.Until(due))
		all.Go(func() {
			_, err := postOne(ctx, client, s.url, d)
			acks[i] = time.Since(due)
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

// pause stops a process and its children by SIGSTOP. cont resumes them.
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
