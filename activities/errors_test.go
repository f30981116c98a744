package activities

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"inorder/internal/store"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err     error
		lasting string // the message, if the error is not retried
	}{
		"a data exception":             {&pgconn.PgError{Code: "22003", Message: "secret"}, "PostgreSQL refuses the event's data: SQLSTATE 22003"},
		"untranslatable text":          {&pgconn.PgError{Code: "22P05", Message: "secret", Detail: "secret"}, "PostgreSQL refuses the event's data: SQLSTATE 22P05"},
		"a constraint":                 {&pgconn.PgError{Code: "23514", TableName: "orders", ConstraintName: "orders_id_not_empty"}, "PostgreSQL refuses the event's data: SQLSTATE 23514, table orders, constraint orders_id_not_empty"},
		"NULL where none may be":       {&pgconn.PgError{Code: "23502", TableName: "orders", ColumnName: "data"}, "PostgreSQL refuses the event's data: SQLSTATE 23502, table orders, column data"},
		"a limit of PostgreSQL":        {&pgconn.PgError{Code: "54000"}, "PostgreSQL refuses the event's data: SQLSTATE 54000"},
		"a feature that is not there":  {&pgconn.PgError{Code: "0A000"}, "PostgreSQL refuses the event's data: SQLSTATE 0A000"},
		"a plan of before a migration": {&pgconn.PgError{Code: "0A000", Routine: "RevalidateCachedQuery"}, ""},
		"another run's row":            {&pgconn.PgError{Code: "23505", ConstraintName: "webhook_events_pkey"}, ""},
		"a serialization failure":      {&pgconn.PgError{Code: "40001"}, ""},
		"a deadlock":                   {&pgconn.PgError{Code: "40P01"}, ""},
		"a schema that is not there":   {&pgconn.PgError{Code: "42P01"}, ""},
		"a full disk":                  {&pgconn.PgError{Code: "53100"}, ""},
		"too many connections":         {&pgconn.PgError{Code: "53300"}, ""},
		"a canceled statement":         {&pgconn.PgError{Code: "57014"}, ""},
		"a server that shuts down":     {&pgconn.PgError{Code: "57P01"}, ""},
		"a read-only server":           {&pgconn.PgError{Code: "25006"}, ""},
		"a broken disk":                {&pgconn.PgError{Code: "58030"}, ""},
		"an error without a code":      {&pgconn.PgError{}, ""},
		"a lost connection":            {io.ErrUnexpectedEOF, ""},
		"a time-out":                   {context.DeadlineExceeded, ""},
		"a part that was not written":  {pgx.ErrNoRows, ""},
		"whatever nobody has heard of": {errors.New("?"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			wrapped := fmt.Errorf("apply event evt_1: %w", tc.err)
			err := classify(t.Context(), wrapped)
			if tc.lasting == "" {
				require.Equal(t, wrapped, err)
				return
			}
			var failed *temporal.ApplicationError
			require.ErrorAs(t, err, &failed)
			require.True(t, failed.NonRetryable())
			require.Equal(t, DataErrorType, failed.Type())
			require.Equal(t, tc.lasting, failed.Message())
			require.NotContains(t, fmt.Sprintf("%+v", err), "secret")
		})
	}
}

func TestABusyOrderIsTriedAgainSoon(t *testing.T) {
	err := classify(t.Context(), fmt.Errorf("apply event evt_1: %w", &store.BusyError{}))
	var failed *temporal.ApplicationError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, OrderBusyType, failed.Type())
	require.False(t, failed.NonRetryable())
	require.Equal(t, temporal.ApplicationErrorCategoryBenign, failed.Category(), "not an error in the log for each attempt")
	require.InDelta(t, 250*time.Millisecond, failed.NextRetryDelay(), float64(125*time.Millisecond))
}
