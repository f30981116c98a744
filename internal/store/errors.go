package store

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// BusyError says that a lock was not granted in time: somebody holds it, or other events of the order came before this
// one. Nothing was written.
type BusyError struct {
	gate  *gate
	line  *line // nil for an event without an order
	cause error // nil if the event did not get as far as the database
}

// ComeBack returns how long to wait before trying again. Each call reserves a time of its own, so that refused events
// come back one after the other.
func (e *BusyError) ComeBack() time.Duration {
	if e.line == nil {
		return 0
	}
	return e.gate.comeBack(e.line)
}

func (e *BusyError) Error() string { return "the order is locked, or busy with other events" }

func (e *BusyError) Unwrap() error { return e.cause }

// RefusedError names the event of a transaction whose data PostgreSQL refused. None of the events was written; all
// others can be applied without this one. Its cause is lasting.
type RefusedError struct {
	EventID string
	cause   error
}

func (e *RefusedError) Error() string { return "event " + e.EventID + ": " + e.cause.Error() }

func (e *RefusedError) Unwrap() error { return e.cause }

const lockNotAvailable = "55P03" // SQLSTATE of an expired lock_timeout

// IsLasting reports whether err is PostgreSQL's refusal of this very data, which every retry with the same data would meet
// again. These are the SQLSTATE classes 0A (feature not supported), 22 (data exception), 23 (integrity constraint violation)
// and 54 (program limit exceeded, such as an index row's size), with two exceptions. Another run of the same event has just
// committed its row: the next run finds it. A plan was cached before a migration changed a table: the next run plans it again.
func IsLasting(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) < 2 {
		return false
	}
	switch pg.Code[:2] {
	case "0A":
		return pg.Routine != "RevalidateCachedQuery"
	case "22", "23", "54":
		return pg.ConstraintName != "webhook_events_pkey"
	}
	return false
}

// Describe says what PostgreSQL refused, without its message, which may quote the data.
func Describe(err error) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return "PostgreSQL refuses the event's data"
	}
	var b strings.Builder
	b.WriteString("PostgreSQL refuses the event's data: SQLSTATE " + pg.Code)
	for _, part := range [][2]string{{"table", pg.TableName}, {"column", pg.ColumnName}, {"constraint", pg.ConstraintName}} {
		if part[1] != "" {
			b.WriteString(", " + part[0] + " " + part[1])
		}
	}
	return b.String()
}

// Explain adds which setting caused the error, if a setting did. Other errors are returned as they are.
func Explain(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	var connecting *pgconn.ConnectError
	switch {
	case pg.Code == "26000" || pg.Code == "42P05": // a prepared statement that is not there, or is there already
		return fmt.Errorf("DATABASE_URL points to a pooler that gives each transaction another connection: remove default_query_exec_mode from the URL: %w", err)
	case pg.Code == "08P01" && errors.As(err, &connecting): // so a pooler refuses parameters of a session that it doesn't keep
		return fmt.Errorf("DATABASE_URL points to a pooler: remove session settings from the URL, and PGOPTIONS from the environment: %w", err)
	}
	return err
}

// isLockTimeout reports whether a lock was not granted in time.
func isLockTimeout(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == lockNotAvailable
}

// OfOneEvent reports whether one event alone may have caused an error of a batch, so that the others go through
// without it. The error then comes from the data, a lock or a trigger, and not from the server or the schema.
func OfOneEvent(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) < 2 {
		return false
	}
	switch pg.Code[:2] {
	case "0A", "21", "22", "23", "40", "54", "55", "P0":
		return true
	}
	return false
}
