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

// classify is the single decision to retry. What the data itself causes never goes away: SQLSTATE 22 (data
// exception), 23 (integrity constraint) and 54 (a limit of PostgreSQL, such as an index row's size) are not retried.
// Everything else, such as a lost connection, is, without an end.
//
// A conflict on the event's own row is retried too: another run of the same event has just committed, and the next run
// answers what it recorded.
func classify(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || !isAboutData(pg) {
		return err
	}
	return temporal.NewNonRetryableApplicationError(describe(pg), DataErrorType, nil)
}

func isAboutData(pg *pgconn.PgError) bool {
	for _, class := range []string{"22", "23", "54"} {
		if strings.HasPrefix(pg.Code, class) {
			return pg.ConstraintName != "webhook_events_pkey"
		}
	}
	return false
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
