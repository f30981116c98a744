package secrets

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/platform"
)

func TestTheRingSaysWhichSecretsItMayLackOfPostgreSQL(t *testing.T) {
	store, at := newStore(t), &clock{noon}
	unread := func(k *Keyring) (all []Unread) {
		k.poll(t.Context())
		_, all = k.Known()
		return all
	}
	k, _ := newRing(t, Options{Shared: store, Now: at.now})
	require.Empty(t, unread(k))
	admit(t, store, false)
	at.Time = noon.Add(time.Hour)
	early, _ := newRing(t, Options{Shared: store, Now: at.now})
	require.Eventually(t, func() bool { return len(unread(k)) == 1 }, testenv.Patience, 20*time.Millisecond)
	require.Equal(t, "secrets added to PostgreSQL after 2026-01-02T12:00:00Z, since when it could not be read", unread(k)[0].String())
	require.Equal(t, "the secrets in PostgreSQL, which could not be read", unread(early)[0].String())
	require.Error(t, unread(early)[0].Cause)

	admit(t, store, true)
	for _, ring := range []*Keyring{k, early} {
		require.Eventually(t, func() bool { return len(unread(ring)) == 0 }, testenv.Patience, 20*time.Millisecond)
	}
}

func TestTheRingSaysWhichSecretsItMayLackOfTheFile(t *testing.T) {
	path, at := filepath.Join(t.TempDir(), "secrets"), &clock{noon}
	write(t, path, "whsec_old\n")
	k, _ := newRing(t, Options{File: path, Now: at.now})
	write(t, path, "whsec_old\nwhsec_fresh tomorrow\n")
	k.poll(t.Context())
	at.Time = noon.Add(time.Minute)
	k.poll(t.Context())
	known, unread := k.Known()
	require.Len(t, known, 1)
	require.Len(t, unread, 1)
	require.Equal(t, "secrets added to WEBHOOK_SECRETS_FILE after 2026-01-02T12:00:00Z, since when it could not be read", unread[0].String())
	require.ErrorContains(t, unread[0].Cause, "line 2 of")
	write(t, path, "whsec_fresh\n")
	k.poll(t.Context())
	k.poll(t.Context())
	known, unread = k.Known()
	require.EqualValues(t, "whsec_fresh", known[0].Secret)
	require.Empty(t, unread)
}

func TestAFileThatAPersonNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "others")
	const text = "# staging\n\nwhsec_one 2026-01-02T12:00:00Z\nwhsec_two\n"
	write(t, path, text)
	want := func(in string) []Known {
		return []Known{{platform.Secret("whsec_one"), Name("whsec_one"), "line 3 of " + in, time.Time{}}, {platform.Secret("whsec_two"), Name("whsec_two"), "line 4 of " + in, time.Time{}}}
	}
	got, err := ReadFile("--a-flag", path, nil)
	require.NoError(t, err)
	require.Equal(t, want(path), got)
	got, err = ReadFile("--a-flag", "-", strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, want("standard input"), got)
	_, err = ReadFile("--a-flag", "-", strings.NewReader("whsec_hush tomorrow"))
	require.ErrorContains(t, err, "--a-flag: line 1 of standard input: ")
	require.NotContains(t, err.Error(), "hush")
}
