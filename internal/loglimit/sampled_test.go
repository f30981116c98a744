package loglimit

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAThousandASecondAreFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, lines := newTest(slog.LevelInfo)
		s := NewSampled(l.log, 5, every)
		const seconds = 60
		for i := range seconds * 1000 {
			s.Log(t.Context(), slog.LevelInfo, "event ended", func() []any { return []any{"i", i} })
			time.Sleep(time.Millisecond)
		}
		s.Flush()
		written, told, left := lines(), 0, 0
		for _, line := range written {
			if _, err := fmt.Sscanf(strings.TrimPrefix(line, `level=INFO msg="event ended" `), "lines_left_out=%d", &left); err == nil {
				told += left
			}
		}
		require.LessOrEqual(t, len(written), seconds*5+10+3)
		require.Equal(t, seconds*1000, told+len(written)-strings.Count(strings.Join(written, "\n"), "lines_left_out"), "all are written or counted")
	})
}

func TestFewAreAllWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, lines := newTest(slog.LevelInfo)
		s := NewSampled(l.log, 5, every)
		for range 100 {
			s.Log(t.Context(), slog.LevelInfo, "event ended", func() []any { return nil })
			time.Sleep(200 * time.Millisecond)
		}
		s.Flush()
		require.Len(t, lines(), 100)
	})
}

func TestWhatIsLeftOutIsToldByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, lines := newTest(slog.LevelInfo)
		s := NewSampled(l.log, 1, every)
		for range 10 {
			s.Log(context.Background(), slog.LevelInfo, "event ended", func() []any { return nil })
			s.Log(context.Background(), slog.LevelDebug, "hidden", func() []any { panic("nobody asked") })
		}
		require.Len(t, lines(), 2)
		time.Sleep(every + time.Second)
		require.Equal(t, []string{`level=INFO msg="event ended" lines_left_out=8 within=30s`}, lines())
		s.Flush()
		require.Equal(t, none, lines())
	})
}
