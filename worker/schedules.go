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

// schedules are what runs by itself. None of them overlaps itself, and after an outage of Temporal what was missed is
// caught up once.
func schedules(o Options) []client.ScheduleOptions {
	return []client.ScheduleOptions{
		purgeSchedule(o.TaskQueue),
		sweepSchedule(o.TaskQueue),
		checkSubscriptionSchedule(o.TaskQueue),
		reconcileSchedule(o),
	}
}

// purgeSchedule runs the purge once a day, at an hour when little else runs.
func purgeSchedule(taskQueue string) client.ScheduleOptions {
	return client.ScheduleOptions{
		ID: workflows.PurgeScheduleID,
		Spec: client.ScheduleSpec{
			Calendars: []client.ScheduleCalendarSpec{{
				Hour:    []client.ScheduleRange{{Start: 3}},
				Minute:  []client.ScheduleRange{{Start: 17}},
				Comment: "daily at 03:17 UTC",
			}},
			Jitter: 10 * time.Minute,
		},
		Action: &client.ScheduleWorkflowAction{
			ID:            workflows.PurgeScheduleID,
			Workflow:      workflows.PurgeEventsType,
			TaskQueue:     taskQueue,
			StaticSummary: "delete webhook_events rows older than EVENT_RETENTION",
		},
		Overlap:       enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: 12 * time.Hour,
		Note:          "Deletes webhook_events rows older than the worker's EVENT_RETENTION." + whoseNote,
	}
}

// sweepSchedule brings lost events back. An event in attention may be without a workflow for ten minutes, a waiting event for as long
// as its row may go unseen, which is hours.
func sweepSchedule(taskQueue string) client.ScheduleOptions {
	return everyTenMinutes(workflows.SweepScheduleID, workflows.SweepEventsType, taskQueue,
		"bring back events whose workflow was terminated, deleted or lost",
		"Starts the workflows of events anew that lost theirs; `inorder recover` does it at once, and more thoroughly.")
}

// reconcileGrace is how long the schedule lets an order differ: longer than a webhook takes that is on its way, its first
// retries included.
const reconcileGrace = 2 * time.Minute

func reconcileSchedule(o Options) client.ScheduleOptions {
	return client.ScheduleOptions{
		ID: workflows.ReconcileScheduleID,
		Spec: client.ScheduleSpec{
			Intervals: []client.ScheduleIntervalSpec{{Every: o.ReconcileEvery}},
			Jitter:    o.ReconcileEvery / 10,
		},
		Action: &client.ScheduleWorkflowAction{
			ID:            workflows.ReconcileScheduleID,
			Workflow:      workflows.ReconcileOrdersType,
			Args:          []any{workflows.ReconcileInput{Grace: reconcileGrace}},
			TaskQueue:     o.TaskQueue,
			StaticSummary: "compare orders with the platform's and repair those that differ",
		},
		Overlap:       enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: max(o.ReconcileEvery, time.Minute),
		Note:          "Compares recent and open orders with the platform's, every RECONCILE_EVERY." + whoseNote,
	}
}

// whoseNote ends every schedule's note.
const whoseNote = " `inorder migrate` sets this schedule; what is changed here it changes back, except a pause."

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
