package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"inorder/internal/doctor"
	"inorder/internal/words"
	"inorder/workflows"
)

// schedules checks that all schedules exist, run, and are as `inorder migrate` sets them.
func (e *examination) schedules(ctx context.Context) ([]doctor.Finding, error) {
	var found []doctor.Finding
	list := schedules(e.Options)
	for _, want := range list {
		is, err := e.Client.ScheduleClient().GetHandle(ctx, want.ID).Describe(ctx)
		if _, none := errors.AsType[*serviceerror.NotFound](err); none {
			found = append(found, doctor.Fails("schedules", "Run `inorder migrate`.", "%s is missing", want.ID))
			continue
		}
		if err != nil {
			return found, err
		}
		found = append(found, scheduleFindings(want, is, time.Now())...)
	}
	if found == nil {
		found = append(found, doctor.Well("schedules", "all %d are there and run", len(list)))
	}
	return found, nil
}

// overdue is how late a schedule may be. Temporal's normal delays are shorter.
const overdue = 5 * time.Minute

func scheduleFindings(want client.ScheduleOptions, is *client.ScheduleDescription, now time.Time) (found []doctor.Finding) {
	if state := is.Schedule.State; state.Paused {
		return []doctor.Finding{doctor.Noted("schedules", "temporal schedule toggle --schedule-id "+want.ID+" --unpause --reason '…'", "%s is paused: %s", want.ID, firstLine(state.Note))}
	}
	if other := differs(want, is.Schedule); other != "" {
		found = append(found, doctor.Noted("schedules", "Run `inorder migrate` with the settings of the workers.", "%s differs from the settings in its %s", want.ID, other))
	}
	if next := is.Info.NextActionTimes; len(next) > 0 && now.Sub(next[0]) > overdue {
		found = append(found, doctor.Fails("schedules", "Temporal's own worker for schedules has stalled: see the server's log.", "%s should have run %s", want.ID, words.Ago(next[0], now)))
	}
	for _, running := range is.Info.RunningWorkflows {
		if last := is.Info.RecentActions; len(last) > 0 && now.Sub(last[len(last)-1].ActualTime) > longRun {
			found = append(found, doctor.Noted("schedules", "See its pending activity in Temporal's UI, which has the last error. It may just have a lot to do.",
				"%s has been running for %s: %s", want.ID, words.Age(now.Sub(last[len(last)-1].ActualTime)), running.WorkflowID))
		}
	}
	return found
}

// longRun is longer than any scheduled workflow usually takes.
const longRun = 2 * time.Hour

// differs names the part of a schedule that is not as it should be, or returns "".
func differs(want client.ScheduleOptions, is client.Schedule) string {
	have, ok := is.Action.(*client.ScheduleWorkflowAction)
	action := want.Action.(*client.ScheduleWorkflowAction)
	if !ok || have.TaskQueue != action.TaskQueue {
		return "task queue (TASK_QUEUE)"
	}
	if len(want.Spec.Intervals) > 0 && (len(is.Spec.Intervals) != 1 || is.Spec.Intervals[0].Every != want.Spec.Intervals[0].Every) {
		return "interval (RECONCILE_EVERY)"
	}
	return ""
}

func taskQueue(name string) *taskqueuepb.TaskQueue { return &taskqueuepb.TaskQueue{Name: name} }

func (e *examination) pollers(ctx context.Context, queue *taskqueuepb.TaskQueue) ([]*taskqueuepb.PollerInfo, error) {
	kind := enumspb.TASK_QUEUE_TYPE_ACTIVITY
	is, err := e.Client.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{Namespace: e.Namespace, TaskQueue: queue, TaskQueueType: kind})
	if err != nil {
		return nil, fmt.Errorf("ask who polls the task queue %s: %w", queue.Name, err)
	}
	return is.GetPollers(), nil
}

// workers checks that workers poll the queue of the events and, with an API key, workflows.PlatformTaskQueue.
func (e *examination) workers(ctx context.Context) ([]doctor.Finding, error) {
	queues := []string{e.TaskQueue}
	if e.Platform != nil {
		queues = append(queues, workflows.PlatformTaskQueue(e.TaskQueue))
	}
	t, err := e.askTime(ctx)
	if err != nil {
		return nil, err
	}
	var found []doctor.Finding
	for _, name := range queues {
		pollers, err := e.pollers(ctx, taskQueue(name))
		if err != nil {
			return found, err
		}
		found = append(found, workersFinding(name, pollers, t.now()))
	}
	return found, nil
}

// pollsAgain is the time within which a live worker polls again: Temporal lets a poll wait for a minute. It still names a worker for five minutes
// after its last poll.
const pollsAgain = 75 * time.Second

// workersFinding reports which of the pollers that Temporal names still poll the queue. now is by Temporal's clock.
func workersFinding(queue string, pollers []*taskqueuepb.PollerInfo, now time.Time) doctor.Finding {
	here := map[string]bool{}
	var last *taskqueuepb.PollerInfo
	for _, p := range pollers {
		if now.Sub(p.GetLastAccessTime().AsTime()) <= pollsAgain {
			here[p.GetIdentity()] = true
		}
		if last == nil || p.GetLastAccessTime().AsTime().After(last.GetLastAccessTime().AsTime()) {
			last = p
		}
	}
	const do = "Start `inorder serve` or `inorder worker`, with the same TASK_QUEUE."
	switch {
	case len(here) > 0:
		return doctor.Well("workers", "%d on the task queue %s", len(here), queue)
	case last != nil:
		return doctor.Fails("workers", do, "no worker polls the task queue %s: the last one, %s, polled it %s", queue, last.GetIdentity(),
			words.Ago(last.GetLastAccessTime().AsTime(), now))
	}
	return doctor.Fails("workers", do, "no worker polls the task queue %s", queue)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if line == "" {
		return "no reason given"
	}
	return line
}
