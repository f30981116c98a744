package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"inorder/workflows"
)

// NotProvisionedError says that Temporal's namespace lacks search attributes that this program sets.
type NotProvisionedError struct{ Missing []string }

func (e *NotProvisionedError) Error() string {
	return fmt.Sprintf("Temporal's namespace lacks the search attributes %s: run `inorder migrate`", strings.Join(e.Missing, ", "))
}

var searchAttributes = []string{workflows.OrderIDKey.GetName(), workflows.StoreIDKey.GetName(), workflows.EventTypeKey.GetName(), workflows.EventPhaseKey.GetName()}

// Check returns a *NotProvisionedError when Provision must run first, and any other error when Temporal could not be
// asked. A server that does not let this client list search attributes is taken to have them.
func Check(ctx context.Context, c client.Client, namespace string) error {
	missing, err := missingAttributes(ctx, c, namespace)
	var denied *serviceerror.PermissionDenied
	if errors.As(err, &denied) {
		return nil
	}
	if err == nil && len(missing) > 0 {
		return &NotProvisionedError{missing}
	}
	return err
}

// Provision registers the search attributes and creates the schedules, or updates them to what they are here. It is
// idempotent, and several at once do not disturb each other.
func Provision(ctx context.Context, c client.Client, namespace, taskQueue string, log *slog.Logger) error {
	missing, err := missingAttributes(ctx, c, namespace)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		if err := addAttributes(ctx, c, namespace, missing); err != nil {
			return fmt.Errorf("register search attributes in namespace %s: %w", namespace, err)
		}
		log.Info("search attributes registered", "namespace", namespace, "names", missing)
	}
	if err := ensureSchedule(ctx, c.ScheduleClient(), purgeSchedule(taskQueue)); err != nil {
		return fmt.Errorf("schedule %s: %w", workflows.PurgeScheduleID, err)
	}
	log.Info("schedule is set", "schedule", workflows.PurgeScheduleID)
	return nil
}

func missingAttributes(ctx context.Context, c client.Client, namespace string) ([]string, error) {
	have, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("list the search attributes of namespace %s: %w", namespace, err)
	}
	missing := slices.Clone(searchAttributes)
	for name, kind := range have.GetCustomAttributes() {
		if slices.Contains(searchAttributes, name) && kind != enumspb.INDEXED_VALUE_TYPE_KEYWORD {
			return nil, fmt.Errorf("search attribute %s of namespace %s is of type %s and must be Keyword: remove it and migrate again", name, namespace, kind)
		}
		missing = slices.DeleteFunc(missing, func(m string) bool { return m == name })
	}
	return missing, nil
}

// addAttributes returns when they are there, also if another process added them meanwhile.
func addAttributes(ctx context.Context, c client.Client, namespace string, names []string) error {
	add := map[string]enumspb.IndexedValueType{}
	for _, name := range names {
		add[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	_, addErr := c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: add})
	for range 50 {
		missing, err := missingAttributes(ctx, c, namespace)
		if err == nil && len(missing) == 0 {
			return nil
		}
		var exists *serviceerror.AlreadyExists
		if addErr != nil && !errors.As(addErr, &exists) {
			return addErr
		}
		time.Sleep(200 * time.Millisecond)
	}
	return errors.New("they did not appear within 10 s")
}

// purgeSchedule runs the purge once a day, away from full hours.
func purgeSchedule(taskQueue string) client.ScheduleOptions {
	return client.ScheduleOptions{
		ID: workflows.PurgeScheduleID,
		Spec: client.ScheduleSpec{
			Calendars: []client.ScheduleCalendarSpec{{
				Hour:   []client.ScheduleRange{{Start: 3}},
				Minute: []client.ScheduleRange{{Start: 17}},
			}},
			Jitter: 10 * time.Minute,
		},
		Action: &client.ScheduleWorkflowAction{
			ID:        "purge-events",
			Workflow:  workflows.PurgeEventsType,
			TaskQueue: taskQueue,
		},
		Overlap:       enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: 24 * time.Hour, // a day's purge is made up for when the server was down at night
		Note:          "Deletes webhook_events rows older than EVENT_RETENTION. Set by `inorder migrate`.",
	}
}

// ensureSchedule creates the schedule, or makes the one that is there like it. Whether an operator has paused it is left
// alone.
func ensureSchedule(ctx context.Context, schedules client.ScheduleClient, want client.ScheduleOptions) error {
	_, err := schedules.Create(ctx, want)
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return err
	}
	return schedules.GetHandle(ctx, want.ID).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := in.Description.Schedule
			s.Spec, s.Action = &want.Spec, want.Action
			s.Policy = &client.SchedulePolicies{Overlap: want.Overlap, CatchupWindow: want.CatchupWindow}
			s.State.Note = want.Note
			return &client.ScheduleUpdate{Schedule: &s}, nil
		},
	})
}
