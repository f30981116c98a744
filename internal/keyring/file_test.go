package keyring

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/receiver"
)

var body = []byte(`{"id":"evt_1"}`)

func (k *Keyring) takes(secret string) bool { return k.Verify(body, receiver.Sign(secret, body)) }

// clock is a time that tests set.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func newRing(t *testing.T, o Options) (*Keyring, *bytes.Buffer) {
	t.Helper()
	var logs bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&logs, nil))
	k, err := New(t.Context(), o)
	require.NoError(t, err)
	return k, &logs
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestFileOfSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	at := &clock{noon}
	write(t, path, "\ufeff# ours\r\nwhsec_new # the platform's second\r\n\n\twhsec_old 2026-01-02T13:00:00+01:00\nwhsec_next 2026-01-02T12:00:01Z\t#\nwhsec#1")
	k, _ := newRing(t, Options{File: path, Now: at.now})
	require.True(t, k.takes("whsec_new"))
	require.True(t, k.takes("whsec_next"))
	require.True(t, k.takes("whsec#1"), "a # within a word is part of it")
	require.False(t, k.takes("whsec_old"), "it has ended at noon")
	require.False(t, k.takes("#"))
	at.Time = noon.Add(time.Second)
	require.False(t, k.takes("whsec_next"), "ended to the moment, without a look")
}

func TestChangedFileCountsOnceItIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	write(t, path, "whsec_old\n")
	k, logs := newRing(t, Options{File: path})
	write(t, path, "whsec_o")
	k.look(t.Context())
	require.True(t, k.takes("whsec_old"), "half of a write changes nothing")
	write(t, path, "whsec_old\nwhsec_new\n")
	k.look(t.Context())
	k.look(t.Context())
	require.True(t, k.takes("whsec_old"))
	require.True(t, k.takes("whsec_new"))
	write(t, path, "whsec_new\n")
	k.look(t.Context())
	k.look(t.Context())
	require.False(t, k.takes("whsec_old"))
	require.NotContains(t, logs.String(), "whsec_")
	require.NotContains(t, logs.String(), "ERROR")
}

func TestBrokenChangeLeavesWhatWasGood(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	write(t, path, "whsec_old\n")
	k, logs := newRing(t, Options{File: path})
	looks := func() {
		for range 3 {
			k.look(t.Context())
			require.True(t, k.takes("whsec_old"))
		}
	}
	for i, broken := range []struct{ text, says string }{
		{"whsec_fresh tomorrow\n", "line 1 of"},
		{"whsec_fresh\n\nwhsec_old 2026-01-02T15:04:05Z whsec_x\n", "line 3 of"},
		{"# nothing\n", "holds no secret"},
		{strings.Repeat("x", maxFileBytes+1), "larger than 1 MiB"},
	} {
		write(t, path, broken.text)
		looks()
		require.Contains(t, logs.String(), broken.says)
		require.Equal(t, i+1, strings.Count(logs.String(), "ERROR"), "once for each cause")
	}
	require.NoError(t, os.Remove(path))
	looks()
	require.Contains(t, logs.String(), "no such file")
	write(t, path, "whsec_fresh\nwhsec_old")
	require.NoError(t, os.Chmod(path, 0o640))
	looks()
	require.Contains(t, logs.String(), "chmod 600 "+path)
	require.Equal(t, 6, strings.Count(logs.String(), "ERROR"))
	require.False(t, k.takes("whsec_fresh"))

	require.NoError(t, os.Chmod(path, 0o600))
	k.look(t.Context())
	k.look(t.Context())
	require.True(t, k.takes("whsec_fresh"))
	require.Contains(t, logs.String(), "right again")
	require.NotContains(t, logs.String(), "fresh")
}

func TestFileThatIsWrongIsRefusedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secrets")
	write(t, path, "whsec_new\n")
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o700: false, 0o640: true, 0o620: true, 0o604: true, 0o602: true, 0o644: true} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := New(t.Context(), Options{File: path, Log: slog.New(slog.DiscardHandler)})
		require.Equal(t, refused, err != nil, "%o: %v", mode, err)
		if refused {
			require.ErrorContains(t, err, "WEBHOOK_SECRETS_FILE: ")
			require.ErrorContains(t, err, "chmod 600 "+path)
			require.NotContains(t, err.Error(), "\n")
		}
	}
	for _, missing := range []string{dir, path + "x", "/dev/null"} {
		_, err := New(t.Context(), Options{File: missing})
		require.ErrorContains(t, err, "WEBHOOK_SECRETS_FILE: ")
	}
}
