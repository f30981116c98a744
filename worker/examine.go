package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"inorder/internal/await"
	"inorder/internal/doctor"
	"inorder/internal/ready"
	"inorder/workflows"
)

// Examine checks for `inorder doctor` that Temporal has what it must have. Each check takes at most within. It changes nothing. PostgreSQL says
// which system the namespace should belong to. It needs Client, Namespace, Pool, TaskQueue, Retention and ReconcileEvery.
func Examine(ctx context.Context, o Options, address string, within time.Duration) []doctor.Finding {
	e := &examination{Options: o, server: "Temporal at " + address}
	return doctor.Examine(ctx, within, doctor.Check{Name: "temporal", Run: e.answers}, doctor.Check{Name: "namespace", Run: e.owner}, doctor.Check{Name: "retention", Run: e.retention},
		doctor.Check{Name: "search attributes", Run: e.searchAttributes}, doctor.Check{Name: "schedules", Run: e.schedules}, doctor.Check{Name: "workers", Run: e.workers},
		doctor.Check{Name: "workflow tasks", Run: e.failing}, doctor.Check{Name: "Temporal's clock", Run: e.clock})
}

type examination struct {
	Options
	server string
	time   *serverTime // nil until askTime has learned it
}

// serverTime is the time of Temporal's clock at some moment between asked and answered.
type serverTime struct{ at, asked, answered time.Time }

// now returns the current time by Temporal's clock.
func (t serverTime) now() time.Time {
	return t.at.Add(time.Since(t.asked.Add(t.answered.Sub(t.asked) / 2)))
}

func (e *examination) answers(ctx context.Context) ([]doctor.Finding, error) {
	asked := time.Now()
	if _, err := e.Client.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return []doctor.Finding{doctor.Fails("temporal", "Check that it runs, and check TEMPORAL_ADDRESS, TEMPORAL_TLS and the other settings in docs/settings.md that begin with TEMPORAL_.",
			"%s", ready.Cause(e.server, time.Since(asked).Round(time.Second), ready.Explain(err)))}, nil // not within: the client gives up earlier
	}
	took := time.Since(asked)
	version := ""
	if is, err := e.Client.WorkflowService().GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{}); err == nil {
		version = ", version " + is.GetServerVersion()
	}
	_, err := e.Client.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: e.Namespace})
	if _, none := errors.AsType[*serviceerror.NamespaceNotFound](err); none {
		return []doctor.Finding{doctor.Fails("temporal", "Set TEMPORAL_NAMESPACE to an existing namespace, or create this one: temporal operator namespace create --namespace "+e.Namespace,
			"%s has no namespace %q", e.server, e.Namespace)}, nil
	}
	return []doctor.Finding{doctor.Well("temporal", "%s%s, answered in %s", e.server, version, took.Round(100*time.Microsecond))}, nil
}

func (e *examination) owner(ctx context.Context) ([]doctor.Finding, error) {
	err := ready.Explain(checkMark(ctx, e.Options))
	switch {
	case await.IsPermanent(err):
		return []doctor.Finding{doctor.Fails("namespace", "Run `inorder migrate`, or set TEMPORAL_NAMESPACE to this system's own namespace.", "%v", err)}, nil
	case err != nil:
		return nil, err
	}
	return []doctor.Finding{doctor.Well("namespace", "%q belongs to this database", e.Namespace)}, nil
}

func (e *examination) retention(ctx context.Context) ([]doctor.Finding, error) {
	kept, err := namespaceRetention(ctx, e.Options)
	if err != nil {
		return nil, err
	}
	var found []doctor.Finding
	for _, p := range e.Retention.Advise(kept) {
		found = append(found, doctor.Noted("retention", p.Cure(e.Namespace), "%s", p.Text))
	}
	if found == nil {
		found = append(found, doctor.Well("retention", "Temporal keeps ended workflows for %s, which fits the settings", kept))
	}
	return found, nil
}

func (e *examination) searchAttributes(ctx context.Context) ([]doctor.Finding, error) {
	missing, err := missingSearchAttributes(ctx, e.Options)
	switch {
	case await.IsPermanent(err):
		return []doctor.Finding{doctor.Fails("search attributes", "Rename or remove it there, then run `inorder migrate`.", "%v", err)}, nil
	case err != nil:
		return nil, err
	case len(missing) > 0:
		return []doctor.Finding{doctor.Fails("search attributes", "Run `inorder migrate`.", "missing: %s", strings.Join(missing, ", "))}, nil
	}
	return []doctor.Finding{doctor.Well("search attributes", "all %d are there", len(workflows.SearchAttributes))}, nil
}

func (e *examination) failing(ctx context.Context) ([]doctor.Finding, error) {
	events := workflows.Events{Client: e.Client, Namespace: e.Namespace, TaskQueue: e.TaskQueue}
	failing, err := events.Failing(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(failing) == 0:
		return []doctor.Finding{doctor.Well("workflow tasks", "none is failing")}, nil
	}
	var ids []string
	for _, f := range failing[:min(3, len(failing))] {
		ids = append(ids, f.WorkflowID)
	}
	return []doctor.Finding{doctor.Fails("workflow tasks", "Run the version of the worker that they began with, or a newer one that can continue them; `inorder status` shows the errors.",
		"%d or more can't continue, such as %s", len(failing), strings.Join(ids, ", "))}, nil
}

// clockWait is how long Temporal may take to record a poll. It refuses polls with a timeout of less than two seconds.
const clockWait = 3 * time.Second

func (e *examination) clock(ctx context.Context) ([]doctor.Finding, error) {
	t, err := e.askTime(ctx)
	if err != nil {
		return nil, err
	}
	return []doctor.Finding{doctor.Clock("Temporal's clock", t.at, t.asked, t.answered)}, nil
}

// askTime learns Temporal's time without writing anything: it polls a queue that nobody else knows, and reads when Temporal says that the queue
// was last polled. It does so once per examination.
func (e *examination) askTime(ctx context.Context) (serverTime, error) {
	if e.time != nil {
		return *e.time, nil
	}
	queue := taskQueue(fmt.Sprintf("inorder-doctor-%d", time.Now().UnixNano()))
	polling, stop := context.WithTimeout(ctx, clockWait)
	defer stop()
	asked := time.Now()
	go func() {
		_, _ = e.Client.WorkflowService().PollActivityTaskQueue(polling, &workflowservice.PollActivityTaskQueueRequest{Namespace: e.Namespace, TaskQueue: queue, Identity: "inorder doctor"})
	}()
	for polling.Err() == nil {
		pollers, err := e.pollers(polling, queue)
		if err != nil {
			return serverTime{}, err
		}
		if len(pollers) > 0 {
			e.time = &serverTime{pollers[0].GetLastAccessTime().AsTime(), asked, time.Now()}
			return *e.time, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return serverTime{}, errors.New("no poll was recorded by Temporal in time")
}
