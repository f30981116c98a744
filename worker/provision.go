package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"inorder/internal/await"
	"inorder/workflows"
)

var searchAttributes = []string{
	workflows.OrderIDKey.GetName(),
	workflows.StoreIDKey.GetName(),
	workflows.EventTypeKey.GetName(),
	workflows.EventPhaseKey.GetName(),
}

// usableWithin is how long a search attribute may take from its creation until every call accepts it. Temporal's
// frontends refresh what they know of a namespace every few seconds.
const usableWithin = time.Minute

// Provision puts into the namespace what the worker needs: the search attributes and the schedule of the purge. It
// returns when both can be used. It is idempotent, and may be run by several at once. It needs Client, Namespace,
// TaskQueue and Log.
func Provision(ctx context.Context, o Options) error {
	if err := provisionSearchAttributes(ctx, o); err != nil {
		return err
	}
	return provisionPurge(ctx, o)
}

func provisionSearchAttributes(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, usableWithin)
	defer cancel()
	return await.Ready(ctx, o.Log, "the namespace", func(ctx context.Context) error {
		missing, err := missingSearchAttributes(ctx, o)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			if err := addSearchAttributes(ctx, o, missing); err != nil {
				return err
			}
		}
		return useSearchAttributes(ctx, o)
	})
}

// addSearchAttributes fails when somebody else adds them at the same time; the next look then finds them.
func addSearchAttributes(ctx context.Context, o Options, missing []string) error {
	request := &operatorservice.AddSearchAttributesRequest{
		Namespace:        o.Namespace,
		SearchAttributes: map[string]enumspb.IndexedValueType{},
	}
	for _, name := range missing {
		request.SearchAttributes[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	if _, err := o.Client.OperatorService().AddSearchAttributes(ctx, request); err != nil {
		return fmt.Errorf("add the search attributes %s, of type Keyword: %w", strings.Join(missing, ", "), err)
	}
	o.Log.Info("search attributes added", "names", missing, "namespace", o.Namespace)
	return nil
}

// useSearchAttributes asks a question that Temporal refuses until it knows them all.
func useSearchAttributes(ctx context.Context, o Options) error {
	query := strings.Join(searchAttributes, " = 'none' AND ") + " = 'none'"
	_, err := o.Client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: o.Namespace, Query: query})
	if err != nil {
		return fmt.Errorf("use the search attributes: %w", err)
	}
	return nil
}

// purgeSchedule runs the purge once a day, at an hour when little else runs. One that is still running is not joined
// by a second; after an outage of Temporal the missed one is caught up within half a day, and not all of them.
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
		Note:          "Deletes webhook_events rows older than the worker's EVENT_RETENTION. `inorder migrate` sets this schedule; what is changed here it changes back, except a pause.",
	}
}

func provisionPurge(ctx context.Context, o Options) error {
	want := purgeSchedule(o.TaskQueue)
	_, err := o.Client.ScheduleClient().Create(ctx, want)
	if err == nil {
		o.Log.Info("schedule created", "schedule", want.ID, "runs", want.Spec.Calendars[0].Comment)
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
	o.Log.Info("schedule is up to date", "schedule", want.ID, "runs", want.Spec.Calendars[0].Comment)
	return nil
}
