package redelivery_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
	"inorder/dev/testenv"
	"inorder/internal/loglimit"
	"inorder/internal/redelivery"
)

type hashes map[string][]byte

func (h hashes) BodyHash(_ context.Context, id string) ([]byte, bool, error) {
	if id == "evt_away" {
		return nil, false, errors.New("PostgreSQL is away")
	}
	hash, found := h[id]
	return hash, found, nil
}

func TestAnotherBodyIsNoticed(t *testing.T) {
	sum := sha256.Sum256([]byte(`{"first":true}`))
	lines, said := testenv.Logs(t)
	w := redelivery.New(hashes{"evt_1": sum[:], "evt_2": sum[:]}, redelivery.NewMetrics(nil), loglimit.New(lines, time.Hour))
	go w.Run(t.Context())
	for _, e := range []inorder.Event{
		{ID: "evt_1", Body: []byte(`{"first":true}`)},
		{ID: "evt_away", Body: []byte(`{}`)},
		{ID: "evt_unknown", Body: []byte(`{}`)},
		{ID: "evt_2", Type: "order.paid", Data: []byte(`{"order_id":"order_2"}`), Body: []byte(`{"secret":"canary"}`)},
	} {
		w.Duplicate(e)
	}
	require.Eventually(t, func() bool { return said.String() != "" }, testenv.Patience, time.Millisecond)
	require.Contains(t, said.String(), "a different body")
	require.Contains(t, said.String(), "event_id=evt_2 event_type=order.paid order_id=order_2")
	require.NotContains(t, said.String(), "evt_1")
	require.NotContains(t, said.String(), "canary")
}

func TestAFloodDoesNotWait(t *testing.T) {
	w := redelivery.New(hashes{}, redelivery.NewMetrics(nil), loglimit.New(slog.New(slog.DiscardHandler), time.Hour))
	for range 10_000 { // nothing compares them
		w.Duplicate(inorder.Event{ID: "evt_1", Body: []byte(`{}`)})
	}
}

// late finds nothing before call number from: it returns no hash, with or without an error.
type late struct {
	looks, from atomic.Int32
	err         error
}

func (l *late) BodyHash(context.Context, string) ([]byte, bool, error) {
	if l.looks.Add(1) < l.from.Load() {
		return nil, false, l.err
	}
	return []byte("another"), true, nil
}

func TestADuplicateThatComesBeforeTheFirstIsRecordedIsLookedAtAgain(t *testing.T) {
	for name, err := range map[string]error{"no row yet": nil, "PostgreSQL is away": errors.New("away")} {
		for from := int32(1); from <= 4; from++ {
			t.Run(fmt.Sprintf("%s until look %d", name, from), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					lines, said := testenv.Logs(t)
					log := loglimit.New(lines, time.Hour)
					l := &late{err: err}
					l.from.Store(from)
					w := redelivery.New(l, redelivery.NewMetrics(nil), log)
					go w.Run(t.Context())
					w.Duplicate(inorder.Event{ID: "evt_1"})
					time.Sleep(time.Hour)
					synctest.Wait()
					require.Equal(t, min(from, 3), l.looks.Load(), "not for ever")
					require.Equal(t, from < 4, strings.Contains(said.String(), "event_id=evt_1"))
					log.Flush()
				})
			})
		}
	}
}

func TestThoseToBeLookedAtAgainAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &late{}
		l.from.Store(1 << 30)
		w := redelivery.New(l, redelivery.NewMetrics(nil), loglimit.New(slog.New(slog.DiscardHandler), time.Hour))
		go w.Run(t.Context())
		for range 5 {
			for range 256 {
				w.Duplicate(inorder.Event{ID: "evt_1"})
			}
			synctest.Wait()
		}
		require.EqualValues(t, 5*256, l.looks.Load())
		time.Sleep(time.Hour)
		require.EqualValues(t, 7*256, l.looks.Load())
	})
}

func TestManyOtherBodiesAreFewLines(t *testing.T) {
	lines, said := testenv.Logs(t)
	log := loglimit.New(lines, time.Hour)
	m := redelivery.NewMetrics(nil)
	for range 1000 {
		m.Notice(log, []any{"event_id", "evt_1"})
	}
	log.Flush()
	require.Equal(t, 2, strings.Count(said.String(), "\n"), said.String())
	require.Contains(t, said.String(), "lines=999")
}
