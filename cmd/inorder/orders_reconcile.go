package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"inorder/internal/words"
	"inorder/workflows"
)

// startWithin is how long Temporal may take to start a workflow, or to answer a query.
const startWithin = 10 * time.Second

// reconcile starts the workflow, or finds the running one, and prints its progress until it or ctx ends.
func (r *reconcileCmd) reconcile(ctx context.Context, s *servers, since time.Time, std streams) error {
	if s.pool != nil {
		if err := refuseForeign(ctx, s.worker()); err != nil {
			return err
		}
	}
	if err := s.reachTemporal(ctx); err != nil {
		return fmt.Errorf("start the reconciliation: %w", err)
	}
	options, in := workflows.ReconcileRequest(s.TaskQueue, r.Order, since)
	w := &reconcileWatcher{temporal: s.temporal, id: options.ID, queue: s.TaskQueue, out: std.err}
	run, err := w.start(ctx, options, in)
	if err != nil {
		return fmt.Errorf("start the reconciliation: Temporal at %s: %w", s.Temporal.HostPort, err)
	}
	result, err := w.await(ctx, run)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintf(std.err, "The reconciliation continues without this command; run it again to see the progress. To end it: temporal workflow terminate -w %s\n", w.id)
		return nil
	case err != nil:
		return fmt.Errorf("the reconciliation (workflow %s) failed: %w", w.id, err)
	case r.JSON:
		err = writeJSON(std.out, result)
	case result.NotSet == "":
		printResult(std.out, result)
	}
	return cmp.Or(err, problemOf(result))
}

func printResult(out io.Writer, r workflows.ReconcileResult) {
	fmt.Fprintf(out, "%d compared, %d repaired: %s\n", r.Compared, r.Repaired(), r.ByDrift())
	for _, note := range r.Notes {
		fmt.Fprintln(out, "  "+note)
	}
}

// problemOf returns an error that says what a reconciliation did not do: orders that it did not repair or compare.
func problemOf(r workflows.ReconcileResult) error {
	if r.NotSet != "" {
		return errors.New("nothing was done: " + r.NotSet)
	}
	var wrong []string
	if r.Unrepaired > 0 {
		wrong = append(wrong, words.Phrase(r.Unrepaired, "order still differs", "orders still differ")+" from the platform's")
	}
	if r.Stopped != "" {
		wrong = append(wrong, "not all orders were compared: "+r.Stopped)
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

// reconcileWatcher prints the progress of a reconciliation that a worker does.
type reconcileWatcher struct {
	temporal  client.Client
	id, queue string
	out       io.Writer
	last      string // the line that was printed last
}

func (w *reconcileWatcher) start(ctx context.Context, o client.StartWorkflowOptions, in workflows.ReconcileInput) (client.WorkflowRun, error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	run, err := w.temporal.ExecuteWorkflow(ctx, o, workflows.ReconcileOrdersType, in)
	if started := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); errors.As(err, &started) {
		w.print("it is already running, as workflow %s; its progress:", w.id)
		return w.temporal.GetWorkflow(ctx, w.id, started.RunId), nil
	}
	if err == nil {
		w.print("started as workflow %s; Ctrl-C leaves it running", w.id)
	}
	return run, err
}

// await returns the result, and prints the progress until then.
func (w *reconcileWatcher) await(ctx context.Context, run client.WorkflowRun) (result workflows.ReconcileResult, err error) {
	ended := make(chan error, 1)
	go func() { ended <- run.Get(ctx, &result) }()
	for {
		select {
		case err := <-ended:
			return result, err
		case <-ctx.Done():
			<-ended
			return result, ctx.Err()
		case <-time.After(2 * time.Second):
			w.poll(ctx)
		}
	}
}

// poll prints how far the reconciliation is and why it does not go on, if that has changed.
func (w *reconcileWatcher) poll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	var p workflows.ReconcileProgress
	value, err := w.temporal.QueryWorkflow(ctx, w.id, "", workflows.QueryProgress)
	if err == nil {
		err = value.Get(&p)
	}
	if err != nil {
		if ctx.Err() != context.Canceled {
			w.print("no worker answers: is `inorder serve` or `inorder worker` running, on task queue %s?", w.queue)
		}
		return
	}
	line := fmt.Sprintf("%d compared, %d repaired, %d not repaired", p.Compared, p.Repaired(), p.Unrepaired)
	if len(p.Recheck) > 0 {
		line += fmt.Sprintf(", %d to compare once more", len(p.Recheck))
	}
	if why := w.failure(ctx); why != "" {
		line += "; trying again after: " + why
	}
	w.print("%s", line)
}

// failure returns the last error of the activity that is being retried; "" if none is.
func (w *reconcileWatcher) failure(ctx context.Context) string {
	d, err := w.temporal.DescribeWorkflow(ctx, w.id, "")
	if err != nil {
		return ""
	}
	for _, a := range d.RawResponse.GetPendingActivities() {
		if f := a.GetLastFailure(); f != nil {
			return f.GetMessage()
		}
	}
	return ""
}

// print prints a line, unless it is the same as the last one.
func (w *reconcileWatcher) print(format string, args ...any) {
	if line := fmt.Sprintf(format, args...); line != w.last {
		w.last = line
		fmt.Fprintln(w.out, line)
	}
}
