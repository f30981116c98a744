package redelivery_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder"
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

type logs struct {
	sync.Mutex
	bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

func (l *logs) text() string {
	l.Lock()
	defer l.Unlock()
	return l.String()
}

func TestAnotherBodyIsNoticed(t *testing.T) {
	sum := sha256.Sum256([]byte(`{"first":true}`))
	var said logs
	w := redelivery.New(hashes{"evt_1": sum[:], "evt_2": sum[:]}, slog.New(slog.NewTextHandler(&said, nil)))
	go w.Run(t.Context())
	for _, e := range []inorder.Event{
		{ID: "evt_1", Body: []byte(`{"first":true}`)},
		{ID: "evt_away", Body: []byte(`{}`)},
		{ID: "evt_unknown", Body: []byte(`{}`)},
		{ID: "evt_2", Type: "order.paid", Body: []byte(`{"secret":"canary"}`)},
	} {
		w.Duplicate(e)
	}
	require.Eventually(t, func() bool { return said.text() != "" }, 5*time.Second, time.Millisecond)
	require.Contains(t, said.text(), "another body")
	require.Contains(t, said.text(), "event_id=evt_2 event_type=order.paid")
	require.NotContains(t, said.text(), "evt_1")
	require.NotContains(t, said.text(), "canary")
}

func TestAFloodDoesNotWait(t *testing.T) {
	w := redelivery.New(hashes{}, slog.New(slog.DiscardHandler))
	for range 10_000 { // nobody looks at them
		w.Duplicate(inorder.Event{ID: "evt_1", Body: []byte(`{}`)})
	}
}
