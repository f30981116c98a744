package store

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

var (
	oneRequest, another = []byte("one"), []byte("another")
	answered            = KeptResponse{Status: 409, ContentType: "application/problem+json", Body: []byte(`{"a":1}`)}
)

func TestAKeyIsClaimedOnceHoweverManyAskAtOnce(t *testing.T) {
	s := newTables(t)
	var all sync.WaitGroup
	claims, inUse := make(chan KeyClaim, 20), make(chan error, 20)
	for range 20 {
		all.Go(func() {
			c, kept, err := s.ClaimKey(t.Context(), "anna", "k", oneRequest, time.Minute)
			if err != nil {
				inUse <- err
			} else if kept == nil {
				claims <- c
			}
		})
	}
	all.Wait()
	require.Len(t, claims, 1)
	require.Len(t, inUse, 19)
	require.ErrorIs(t, <-inUse, ErrKeyInUse)
	_, _, err := s.ClaimKey(t.Context(), "anna", "k", another, time.Minute)
	require.ErrorIs(t, err, ErrKeyOfAnother)
	_, _, err = s.ClaimKey(t.Context(), "bert", "k", another, time.Minute)
	require.NoError(t, err, "everybody has keys of their own")

	require.NoError(t, s.KeepAnswer(t.Context(), <-claims, answered))
	_, kept, err := s.ClaimKey(t.Context(), "anna", "k", oneRequest, time.Minute)
	require.NoError(t, err)
	require.Equal(t, &answered, kept)
	_, _, err = s.ClaimKey(t.Context(), "anna", "k", another, time.Minute)
	require.ErrorIs(t, err, ErrKeyOfAnother)
}

func TestAKeyWhoseProcessIsGoneIsClaimedAnew(t *testing.T) {
	s := newTables(t)
	gone, _, err := s.ClaimKey(t.Context(), "anna", "k", oneRequest, time.Millisecond)
	require.NoError(t, err)
	var next KeyClaim
	require.Eventually(t, func() bool {
		next, _, err = s.ClaimKey(t.Context(), "anna", "k", oneRequest, time.Minute)
		return !errors.Is(err, ErrKeyInUse)
	}, testenv.Patience, time.Millisecond)
	require.NoError(t, err)
	require.Equal(t, gone.Since, next.Since, "it is the same act")

	require.ErrorIs(t, s.RenewKey(t.Context(), &gone, time.Minute), ErrKeyLost)
	require.NoError(t, s.KeepAnswer(t.Context(), gone, KeptResponse{Status: 200}), "who lost it says nothing more")
	require.NoError(t, s.FreeKey(t.Context(), gone))
	_, _, err = s.ClaimKey(t.Context(), "anna", "k", oneRequest, time.Minute)
	require.ErrorIs(t, err, ErrKeyInUse)
	require.NoError(t, s.RenewKey(t.Context(), &next, time.Minute))
	require.NoError(t, s.KeepAnswer(t.Context(), next, answered))
	_, kept, err := s.ClaimKey(t.Context(), "anna", "k", oneRequest, time.Minute)
	require.NoError(t, err)
	require.Equal(t, &answered, kept)
}

func TestAKeyThatWasFreedIsClaimedForTheSameActOnly(t *testing.T) {
	s := newTables(t)
	first, _, err := s.ClaimKey(t.Context(), "anna", "k", oneRequest, time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.FreeKey(t.Context(), first))
	_, _, err = s.ClaimKey(t.Context(), "anna", "k", another, time.Minute)
	require.ErrorIs(t, err, ErrKeyOfAnother)
	again, kept, err := s.ClaimKey(t.Context(), "anna", "k", oneRequest, time.Minute)
	require.NoError(t, err)
	require.Nil(t, kept)
	require.Equal(t, first.Since, again.Since)
	require.NotEqual(t, first.until, again.until)
}

func TestAfterADayAKeyIsNew(t *testing.T) {
	s := newTables(t)
	old, _, err := s.ClaimKey(t.Context(), "anna", "k", oneRequest, time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.KeepAnswer(t.Context(), old, answered))
	_, err = s.pool.Exec(t.Context(), `UPDATE idempotency_keys SET created_at = created_at - interval '25 hours'`)
	require.NoError(t, err)
	fresh, kept, err := s.ClaimKey(t.Context(), "anna", "k", another, time.Minute)
	require.NoError(t, err)
	require.Nil(t, kept)
	require.True(t, fresh.Since.After(old.Since.Add(-time.Hour)), "another act")

	deleted, err := s.PurgeKeys(t.Context(), 10)
	require.NoError(t, err)
	require.Zero(t, deleted)
	_, err = s.pool.Exec(t.Context(), `UPDATE idempotency_keys SET created_at = created_at - interval '25 hours'`)
	require.NoError(t, err)
	deleted, err = s.PurgeKeys(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, int64(1), deleted)
}
