package await

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

var errDown = errors.New("connection refused")

func TestReadyTriesUntilItSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logs := testenv.Logs(t)
		began, tries := time.Now(), 0
		err := Ready(t.Context(), log, "PostgreSQL", func(context.Context) error {
			if tries++; tries < 8 {
				return fmt.Errorf("failed:\n\t%w\n\t%w\n", errDown, errDown) // as pgx does for each address
			}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, 8, tries)
		// 0.5, 1, 2, 4, 8, and then 10 s each
		require.Equal(t, 35500*time.Millisecond, time.Since(began))
		require.Contains(t, logs.String(), `msg="PostgreSQL is not ready; trying again" attempt=2 next_try_in=1s cause="failed: connection refused"`)
		require.Contains(t, logs.String(), `msg="PostgreSQL is ready" attempt=8`)
	})
}

func TestReadyBoundsAProbeThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		err := Ready(t.Context(), slog.New(slog.DiscardHandler), "PostgreSQL", func(ctx context.Context) error {
			if tries++; tries == 1 {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		require.NoError(t, err)
	})
}

func TestReadyGivesUp(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	t.Run("at once when waiting cures nothing", func(t *testing.T) {
		tries := 0
		err := Ready(t.Context(), log, "PostgreSQL", func(context.Context) error { tries++; return Permanent(errDown) })
		require.Equal(t, errDown, err)
		require.Equal(t, 1, tries)
	})
	t.Run("when time is up, with the last cause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := Ready(ctx, log, "PostgreSQL", func(context.Context) error { return errDown })
			require.ErrorIs(t, err, errDown)
			require.ErrorContains(t, err, "PostgreSQL is not ready after")
		})
	})
}
