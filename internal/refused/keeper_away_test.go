package refused

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

func TestSamplesSurviveWhilePostgreSQLIsAway(t *testing.T) {
	r := newRig(t)
	r.db.set(true)
	stop := r.run()
	r.refuse("192.0.2.1", nil)
	require.Eventually(t, func() bool { return strings.Contains(r.logs.String(), "was not written") }, testenv.Patience, 10*time.Millisecond)
	refused := make(chan struct{})
	go func() {
		defer close(refused)
		for i := range 500 {
			r.refuse(fmt.Sprintf("10.0.0.%d", i%250), nil)
		}
	}()
	select {
	case <-refused:
	case <-time.After(testenv.Patience):
		require.FailNow(t, "nobody waits for it")
	}
	r.db.set(false)
	r.eventually(`client = '192.0.2.1'`, 1)
	stop()
}

func TestAStopCountsWhatCannotBeWritten(t *testing.T) {
	r := newRig(t)
	w := newWindow()
	for i := range 3 {
		r.refuse(fmt.Sprintf("192.0.2.%d", i), nil)
		x, ok := r.strangers.take()
		require.True(t, ok)
		r.explain(x, w)
	}
	r.refuse("192.0.2.9", nil) // is not explained any more
	r.db.set(true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Keeper.Run(ctx)
	require.Equal(t, 3, r.drops(dropUnwritten))
	require.Equal(t, 1, r.drops(dropQueue))
}

func TestAPanicCostsARest(t *testing.T) {
	r := newRig(t)
	r.o.Secrets = func() Secrets { panic("canary") }
	require.Equal(t, maxWork, r.explain(Refusal{Delivery: strangers, Reason: BadSignature}, newWindow()))
	require.Contains(t, r.logs.String(), "could not be explained")
	require.NotContains(t, r.logs.String(), "canary")
}

func TestAStopWritesWhatIsExplained(t *testing.T) {
	r := newRig(t)
	r.refuse("192.0.2.1", nil)
	x, ok := r.strangers.take()
	require.True(t, ok)
	r.explain(x, newWindow())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Keeper.Run(ctx)
	require.Equal(t, 1, r.count(`true`))
	require.Zero(t, r.strangers.admitted+r.strangers.bytes+len(r.strangers.of))
}
