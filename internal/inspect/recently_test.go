package inspect_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/inspect"
)

// counting counts the questions about all workflows.
type counting struct {
	engine
	asked atomic.Int32
}

func (c *counting) CountApplying(ctx context.Context) (int, time.Time, error) {
	c.asked.Add(1)
	return c.engine.CountApplying(ctx)
}

// Temporal answers about ten questions a second about all workflows: people who watch must not slow each other down.
func TestManyWhoWatchAskTemporalOnce(t *testing.T) {
	e := &counting{engine: engine{applying: 3}}
	i := &inspect.Inspector{Engine: e, Patience: time.Minute, Keep: time.Hour}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			s, err := i.Status(t.Context())
			require.NoError(t, err)
			require.Equal(t, 3, s.States["applying"].Count)
			require.Zero(t, s.States["applying"].OldestSeconds, "when the oldest began is not known")
		})
	}
	all.Wait()
	require.EqualValues(t, 1, e.asked.Load())
}
