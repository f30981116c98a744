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

// reconcileGrace is how long an order may differ before the scheduled reconciliation repairs it: longer than the delivery of a
// webhook takes, including its first retries.
const reconcileGrace = 2 * time.Minute

// schedules returns the schedules of the jobs. No job overlaps itself. After an outage of Temporal, runs that were missed within
// CatchupWindow are caught up once.
func schedules(o Options) []client.ScheduleOptions {
	daily := client.ScheduleCalendarSpec{
		Hour: []client.ScheduleRange{{Start: 3}}, Minute: []client.ScheduleRange{{Start: 17}}, Comment: "daily at 03:17 UTC"} // when little else runs
	every := func(d, jitter time.Duration) client.ScheduleSpec {
		return client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: d}}, Jitter: jitter}
	}
	list := []client.ScheduleOptions{{
		ID:            workflows.PurgeScheduleID,
		Action:        &client.ScheduleWorkflowAction{Workflow: workflows.PurgeEventsType, StaticSummary: "delete webhook_events rows older than EVENT_RETENTION"},
		Spec:          client.ScheduleSpec{Calendars: []client.ScheduleCalendarSpec{daily}, Jitter: 10 * time.Minute},
		CatchupWindow: 12 * time.Hour,
		Note:          "Deletes webhook_events rows older than the worker's EVENT_RETENTION, and everything else that is no longer kept.",
	}, {
		ID:            workflows.SweepScheduleID,
		Action:        &client.ScheduleWorkflowAction{Workflow: workflows.SweepEventsType, StaticSummary: "bring back events whose workflow was terminated, deleted or lost"},
		Spec:          every(10*time.Minute, time.Minute), // an event in attention may lack its workflow that long; a waiting one, until its row counts as unseen
		CatchupWindow: time.Minute,
		Note:          "Starts a new workflow for each event that lost its own; `inorder recover` does so at once, and more thoroughly.",
	}, {
		ID:            workflows.CheckSubscriptionScheduleID,
		Action:        &client.ScheduleWorkflowAction{Workflow: workflows.CheckSubscriptionType, StaticSummary: "check that our webhooks exist on the platform, are active and as registered"},
		Spec:          every(10*time.Minute, time.Minute), // the platform may deliver nothing for that long before somebody learns it
		CatchupWindow: time.Minute,                        // nothing is caught up, because only the current state counts
		Note:          "Compares the webhooks that were registered from here with what the platform has; with HOOK_AUTOREPAIR=true it corrects what differs.",
	}, {
		ID: workflows.ReconcileScheduleID,
		Action: &client.ScheduleWorkflowAction{Workflow: workflows.ReconcileOrdersType, Args: []any{workflows.ReconcileInput{Grace: reconcileGrace}},
			StaticSummary: "compare orders with the platform's and repair those that differ"},
		Spec:          every(o.ReconcileEvery, o.ReconcileEvery/10),
		CatchupWindow: max(o.ReconcileEvery, time.Minute),
		Note:          "Compares recent and open orders with the platform's, every RECONCILE_EVERY.",
	}}
	for i := range list {
		s := &list[i]
		action := s.Action.(*client.ScheduleWorkflowAction)
		action.ID, action.TaskQueue = s.ID, o.TaskQueue
		s.Overlap = enumspb.SCHEDULE_OVERLAP_POLICY_SKIP
		s.Note += " `inorder migrate` sets this schedule, and reverts what was changed here, except a pause."
	}
	return list
}

// provisionSchedule creates the schedule, or resets everything about it except a pause.
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
			if !state.Paused { // a pause and its note belong to the person who paused it
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
