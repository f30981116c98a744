package activities

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"go.temporal.io/sdk/temporal"
)

// DataErrorType is the type of the application error of an event that can never be applied as it is.
const DataErrorType = "DataError"

type partOfAnotherOrderError struct{ kind string }

func (e *partOfAnotherOrderError) Error() string {
	return fmt.Sprintf("the %s belongs to another order already", e.kind)
}

// classify is the single decision to retry. What the data itself causes never goes away: SQLSTATE 22 (data
// exception), 23 (integrity constraint) and 54 (a limit of PostgreSQL, such as an index row's size) are not retried.
// Everything else, such as a lost connection, is, without an end.
//
// A conflict on the event's own row is retried too: another run of the same event has just committed, and the next run
// answers what it recorded.
func classify(err error) error {
	var other *partOfAnotherOrderError
	if errors.As(err, &other) {
		return temporal.NewNonRetryableApplicationError(other.Error(), DataErrorType, nil)
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.ConstraintName == "webhook_events_pkey" {
		return err
	}
	if class := pg.Code[:2]; class == "22" || class == "23" || class == "54" {
		return temporal.NewNonRetryableApplicationError(describe(pg), DataErrorType, nil)
	}
	return err
}

// describe says what PostgreSQL refused without its message, which may quote the data.
func describe(pg *pgconn.PgError) string {
	var b strings.Builder
	fmt.Fprintf(&b, "PostgreSQL refuses the event's data: SQLSTATE %s", pg.Code)
	for _, part := range [][2]string{{"table", pg.TableName}, {"column", pg.ColumnName}, {"constraint", pg.ConstraintName}} {
		if part[1] != "" {
			fmt.Fprintf(&b, ", %s %s", part[0], part[1])
		}
	}
	return b.String()
}
