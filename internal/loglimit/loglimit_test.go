package loglimit

import (
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

const every = 30 * time.Second

// newTest returns a Logger, and a function that returns the lines written since its last call.
func newTest(level slog.Level) (*Logger, func() []string) {
	var out testenv.Output
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	return New(log, every), func() []string {
		defer out.Reset()
		return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	}
}

var none = []string{""}

func TestTheFirstIsLoggedThenCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, lines := newTest(slog.LevelInfo)
		for i := range 1000 {
			l.Log(slog.LevelWarn, "refused", "delivery refused", "status", 401+i%2)
		}
		require.Equal(t, []string{`level=WARN msg="delivery refused" status=401`}, lines())

		time.Sleep(every + time.Second) // no traffic is needed for the count to be written
		require.Equal(t, []string{`level=WARN msg="delivery refused" status=402 lines=999 within=30s`}, lines())

		l.Log(slog.LevelWarn, "refused", "delivery refused", "status", 401)
		require.Equal(t, none, lines(), "an interval is under way")
		time.Sleep(every)
		require.Equal(t, []string{`level=WARN msg="delivery refused" status=401 lines=1 within=30s`}, lines())

		time.Sleep(2 * every)
		require.Equal(t, none, lines())
		l.Log(slog.LevelWarn, "refused", "delivery refused", "status", 401)
		require.Equal(t, []string{`level=WARN msg="delivery refused" status=401`}, lines(), "after a quiet interval it is a first one again")
	})
}

func TestKindsAreCountedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, lines := newTest(slog.LevelInfo)
		l.Log(slog.LevelWarn, "temporal", "no answer", "from", "temporal")
		l.Log(slog.LevelWarn, "postgres", "no answer", "from", "postgres")
		require.Len(t, lines(), 2)
	})
}

func TestFlushWritesWhatIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, lines := newTest(slog.LevelInfo)
		for range 3 {
			l.Log(slog.LevelWarn, "refused", "delivery refused")
		}
		require.Len(t, lines(), 1)
		l.Flush()
		require.Equal(t, []string{`level=WARN msg="delivery refused" lines=2 within=0s`}, lines())
		l.Flush()
		time.Sleep(2 * every)
		require.Equal(t, none, lines(), "nothing is written twice")
	})
}

func TestWhatTheLevelHidesIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, lines := newTest(slog.LevelInfo)
		for range 3 {
			l.Log(slog.LevelDebug, "refused", "delivery refused")
		}
		l.Flush()
		require.Equal(t, none, lines())
	})
}

func TestManyAtOnce(t *testing.T) {
	l := New(slog.New(slog.NewTextHandler(io.Discard, nil)), time.Millisecond)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				l.Log(slog.LevelWarn, "refused", "delivery refused", "status", 401)
			}
			l.Flush()
		})
	}
	wg.Wait()
}
