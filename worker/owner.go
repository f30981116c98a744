package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"inorder/internal/await"
	"inorder/workflows"
)

// A namespace belongs to one system: a workflow's ID is its event's ID, so two systems in one namespace would take each
// other's events for duplicates, and overwrite each other's schedules. The memo of a schedule marks the owner, because Temporal
// creates a schedule only once: the first caller wins.

// identity is the ID of a system, from a row of its database, and the database's name, for people.
type identity struct{ id, database string }

const selectIdentitySQL = `SELECT id::text, current_database() FROM system_identity`

func readIdentity(ctx context.Context, o Options) (own identity, err error) {
	if err := o.Pool.QueryRow(ctx, selectIdentitySQL).Scan(&own.id, &own.database); err != nil {
		return identity{}, fmt.Errorf("read the system's ID from the database: %w", err)
	}
	return own, nil
}

// mark is the owner of a namespace, and the time since when. The zero mark means that the namespace has no owner.
type mark struct {
	identity
	since time.Time
}

func readMark(ctx context.Context, o Options) (mark, error) {
	is, err := o.Client.ScheduleClient().GetHandle(ctx, workflows.OwnerScheduleID).Describe(ctx)
	if _, none := errors.AsType[*serviceerror.NotFound](err); none {
		return mark{}, nil
	}
	if err != nil {
		return mark{}, fmt.Errorf("read the owner of namespace %q: %w", o.Namespace, err)
	}
	m := mark{identity{"unknown", "unknown"}, is.Info.CreatedAt}
	for key, value := range map[string]*string{workflows.MemoDatabaseID: &m.id, workflows.MemoDatabase: &m.database} {
		_ = converter.GetDefaultDataConverter().FromPayload(is.Memo.GetFields()[key], value) // unreadable is unknown
	}
	return m, nil
}

// checkMark returns an error unless the namespace belongs to this system. The error is permanent if the namespace belongs to
// another system or has no owner yet. It is not permanent if a server does not answer.
func checkMark(ctx context.Context, o Options) error {
	own, err := readIdentity(ctx, o)
	if err != nil {
		return err
	}
	m, err := readMark(ctx, o)
	switch {
	case err != nil:
		return err
	case m == mark{}:
		return await.Permanent(fmt.Errorf("the Temporal namespace %q isn't marked as this database's yet: run `inorder migrate`", o.Namespace))
	case m.id != own.id:
		return await.Permanent(foreign(o, m))
	}
	return nil
}

func foreign(o Options, m mark) error {
	return fmt.Errorf("the Temporal namespace %q belongs to another system, with the database %q (ID %s), since %s. Two systems can't share one: "+
		"workflow IDs are event IDs, so each would take the other's events for duplicates. Set TEMPORAL_NAMESPACE to a namespace of this system's own; "+
		"or, if that database is lost or its system is no longer used, run `inorder migrate --take-over`", o.Namespace, m.database, m.id, m.since.UTC().Format(time.RFC3339))
}

// Claim marks the namespace as this database's, unless it is marked so already. If it is another database's, Claim returns an error. It may run
// twice, and in several processes at once: the first gets the namespace. It needs Client, Namespace, Pool, TaskQueue and Log.
func Claim(ctx context.Context, o Options) error {
	own, err := readIdentity(ctx, o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, usableWithin)
	defer cancel()
	return await.Ready(ctx, o.Log, "the namespace", func(ctx context.Context) error {
		_, err := o.Client.ScheduleClient().Create(ctx, ownerSchedule(o.TaskQueue, own))
		switch {
		case err == nil:
			o.Log.Info("marked the namespace as this database's", "namespace", o.Namespace, "database_id", own.id)
			return nil
		case errors.Is(err, temporal.ErrScheduleAlreadyRunning):
			return checkMark(ctx, o)
		}
		return fmt.Errorf("mark the namespace %q as this database's: %w", o.Namespace, err)
	})
}

// TakeOver removes the mark of another system, whose database was lost, so that the next Claim gets the namespace. It needs what
// Claim needs. It may run twice, but not for two systems at once: the later one would get the namespace.
func TakeOver(ctx context.Context, o Options) error {
	own, err := readIdentity(ctx, o)
	if err != nil {
		return err
	}
	m, err := readMark(ctx, o)
	if err != nil || m.id == own.id || m == (mark{}) {
		return err
	}
	o.Log.Warn("taking over the namespace from another system; make sure that system no longer runs", "namespace", o.Namespace,
		"its_database", m.database, "its_database_id", m.id)
	err = o.Client.ScheduleClient().GetHandle(ctx, workflows.OwnerScheduleID).Delete(ctx)
	if _, gone := errors.AsType[*serviceerror.NotFound](err); err != nil && !gone {
		return fmt.Errorf("remove the mark of namespace %q: %w", o.Namespace, err)
	}
	return nil
}

// ownerSchedule returns the schedule whose memo marks the owner. It never runs, because it is paused. It has a time all the same,
// because Temporal removes schedules without one. If somebody triggers it, it runs the daily purge.
func ownerSchedule(taskQueue string, own identity) client.ScheduleOptions {
	return client.ScheduleOptions{
		ID:   workflows.OwnerScheduleID,
		Spec: client.ScheduleSpec{Calendars: []client.ScheduleCalendarSpec{{Month: []client.ScheduleRange{{Start: 1}}}}},
		Action: &client.ScheduleWorkflowAction{
			ID:            workflows.OwnerScheduleID,
			Workflow:      workflows.PurgeEventsType,
			TaskQueue:     taskQueue,
			StaticSummary: "only marks the owner of this namespace",
		},
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		Paused:  true,
		Note:    "Never runs: its memo says which database this namespace belongs to. Without it, the next `inorder migrate` of any database takes the namespace.",
		Memo:    map[string]any{workflows.MemoDatabaseID: own.id, workflows.MemoDatabase: own.database},
	}
}
