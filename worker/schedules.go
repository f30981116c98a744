package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"inorder/workflows"
)

// reconcileGrace is how long the schedule lets an order differ: longer than a webhook takes that is on its way, its first
// retries included.
const reconcileGrace = 2 * time.Minute

// schedules are what runs by itself. None of them overlaps itself, and after an outage of Temporal what was missed is
// caught up once, within catchup.
func schedules(o Options) []client.ScheduleOptions {
	everyTenMinutes := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: 10 * time.Minute}}, Jitter: time.Minute}
	return []client.ScheduleOptions{
		schedule{
			id: workflows.PurgeScheduleID, workflow: workflows.PurgeEventsType,
			spec: client.ScheduleSpec{ // when little else runs
				Calendars: []client.ScheduleCalendarSpec{{
					Hour:    []client.ScheduleRange{{Start: 3}},
					Minute:  []client.ScheduleRange{{Start: 17}},
					Comment: "daily at 03:17 UTC",
				}},
				Jitter: 10 * time.Minute,
			},
			catchup: 12 * time.Hour,
			summary: "delete webhook_events rows older than EVENT_RETENTION",
			note:    "Deletes webhook_events rows older than the worker's EVENT_RETENTION.",
		}.options(o),
		schedule{ // an event in attention may be without a workflow for ten minutes, one that waits for as long as its row may go unseen
			id: workflows.SweepScheduleID, workflow: workflows.SweepEventsType, spec: everyTenMinutes, catchup: time.Minute,
			summary: "bring back events whose workflow was terminated, deleted or lost",
			note:    "Starts the workflows of events anew that lost theirs; `inorder recover` does it at once, and more thoroughly.",
		}.options(o),
		schedule{ // a webhook may be broken for ten minutes. Nothing is caught up, because only how things are now counts
			id: workflows.CheckSubscriptionScheduleID, workflow: workflows.CheckSubscriptionType, spec: everyTenMinutes, catchup: time.Minute,
			summary: "check that our webhooks exist on the platform, are active and as registered",
			note:    "Compares the webhooks that were registered from here with what the platform has; with HOOK_AUTOREPAIR=true it puts right what differs.",
		}.options(o),
		schedule{
			id: workflows.ReconcileScheduleID, workflow: workflows.ReconcileOrdersType, args: []any{workflows.ReconcileInput{Grace: reconcileGrace}},
			spec:    client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: o.ReconcileEvery}}, Jitter: o.ReconcileEvery / 10},
			catchup: max(o.ReconcileEvery, time.Minute),
			summary: "compare orders with the platform's and repair those that differ",
			note:    "Compares recent and open orders with the platform's, every RECONCILE_EVERY.",
		}.options(o),
	}
}

// schedule is one of a workflow whose ID is the schedule's.
type schedule struct {
	id, workflow  string
	args          []any
	spec          client.ScheduleSpec
	catchup       time.Duration
	summary, note string
}

func (s schedule) options(o Options) client.ScheduleOptions {
	return client.ScheduleOptions{
		ID:            s.id,
		Spec:          s.spec,
		Action:        &client.ScheduleWorkflowAction{ID: s.id, Workflow: s.workflow, Args: s.args, TaskQueue: o.TaskQueue, StaticSummary: s.summary},
		Overlap:       enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: s.catchup,
		Note:          s.note + " `inorder migrate` sets this schedule; what is changed here it changes back, except a pause.",
	}
}

// provisionSchedule creates the schedule, or sets it back to what it should be, except a pause.
func provisionSchedule(ctx context.Context, o Options, want client.ScheduleOptions) error {
	_, err := o.Client.ScheduleClient().Create(ctx, want)
	if err == nil {
		o.Log.Info("schedule created", "schedule", want.ID)
		return nil
	}
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return fmt.Errorf("create the schedule %s: %w", want.ID, err)
	}
	err = o.Client.ScheduleClient().GetHandle(ctx, want.ID).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(have client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			state := have.Description.Schedule.State
			if !state.Paused { // somebody's pause, and its reason, is theirs
				state.Note = want.Note
			}
			return &client.ScheduleUpdate{Schedule: &client.Schedule{
				Spec:   &want.Spec,
				Action: want.Action,
				Policy: &client.SchedulePolicies{Overlap: want.Overlap, CatchupWindow: want.CatchupWindow},
				State:  state,
			}}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("update the schedule %s: %w", want.ID, err)
	}
	o.Log.Info("schedule is up to date", "schedule", want.ID)
	return nil
}
