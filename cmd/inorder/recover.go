package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"inorder/internal/config"
	"inorder/internal/store"
	"inorder/internal/sweep"
	"inorder/internal/words"
	"inorder/worker"
	"inorder/workflows"
)

type recoverCmd struct {
	JSON bool `name:"json" help:"Print one JSON document."`
}

func (*recoverCmd) Help() string {
	return `Brings back events that lost their workflow, because somebody terminated or deleted it, or because Temporal lost its
storage. It asks Temporal about every event that is waiting, stuck or in attention in PostgreSQL, starts those again that
have no workflow, wakes those whose order exists by now, and starts the events of workflows that were terminated before
PostgreSQL knew them. It says what it found and what it started.

It talks to both servers itself, so nothing else needs to run; a worker then processes what was started. After Temporal
lost its storage, run ` + "`inorder migrate`" + ` first. It refuses a Temporal namespace that belongs to another database. It may be run
again, and beside everything else: an event that has a workflow is left alone.

An event older than EVENT_RETENTION is brought back only if it was retried, replayed or last tried within EVENT_RETENTION.
The schedule inorder-sweep-events does the same every ten minutes, but notices a waiting event whose workflow was deleted
only after about two hours. An event that was deleted in Temporal before PostgreSQL had it is lost, unless the platform
delivers it again.

Needs DATABASE_URL. Reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (and the other TEMPORAL_* names), TASK_QUEUE,
EVENT_RETENTION, LOG_LEVEL, LOG_FORMAT.

Example:

    DATABASE_URL=postgres://inorder:secret@127.0.0.1:5432/inorder inorder recover`
}

// recoverReport is the time between two reports of progress.
const recoverReport = 2 * time.Second

func (c *recoverCmd) Run(ctx context.Context, std streams) error {
	return withServers(ctx, config.NeedDatabase, std, func(s *servers) error { return c.recover(ctx, s, std) })
}

func (c *recoverCmd) recover(ctx context.Context, s *servers, std streams) error {
	if err := s.reachPostgres(ctx); err != nil {
		return err
	}
	if err := s.reachTemporal(ctx); err != nil {
		return err
	}
	if err := worker.CheckOwner(ctx, s.worker()); err != nil {
		return err
	}
	now := time.Now()
	said := now
	sweeping := sweep.Sweep{
		Store:     store.New(s.pool),
		Engine:    workflows.Events{Client: s.temporal, Namespace: s.Temporal.Namespace, TaskQueue: s.TaskQueue},
		All:       true,
		Since:     now.Add(-s.EventRetention),
		Retention: s.EventRetention,
		Now:       now,
		Progress: func(r sweep.Report) {
			if time.Since(said) > recoverReport {
				said = time.Now()
				fmt.Fprintf(std.err, "%d checked, %d started anew so far\n", r.Checked, r.Started)
			}
		},
	}
	report, err := sweeping.Run(ctx)
	if c.JSON {
		if err := writeJSON(std.out, recoverView(report)); err != nil {
			return err
		}
	} else {
		printRecovered(std.out, report)
	}
	if err == nil && report.Failed > 0 {
		err = fmt.Errorf("%s could not be brought back; run `inorder recover` again", words.Count(report.Failed, "event"))
	}
	return err
}

// recoverView is what --json prints of a report.
type recoverView struct {
	Checked int      `json:"checked"`
	Started int      `json:"started"`
	Woken   int      `json:"woken"`
	TooOld  int      `json:"too_old"`
	Failed  int      `json:"failed"`
	Notes   []string `json:"notes,omitempty"`
}

func printRecovered(out io.Writer, r sweep.Report) {
	fmt.Fprintf(out, "%s checked: %d had lost their workflow and are started anew, %d whose order is there are woken, %d are too old, %d could not be brought back\n",
		words.Count(r.Checked, "event"), r.Started, r.Woken, r.TooOld, r.Failed)
	for _, note := range r.Notes {
		fmt.Fprintf(out, "  %s\n", note)
	}
}
