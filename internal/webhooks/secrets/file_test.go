package secrets

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/delivery"
)

var body = []byte(`{"id":"evt_1"}`)

func (k *Keyring) takes(secret string) bool { return k.Verify(body, delivery.Sign(secret, body)) }

// clock is a time that tests set.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func newRing(t *testing.T, o Options) (*Keyring, *testenv.Output) {
	t.Helper()
	log, logs := testenv.Logs(t)
	o.Log = log
	k, err := Load(t.Context(), o)
	require.NoError(t, err)
	return k, logs
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
	known, unread := k.Known()
	require.Len(t, known, 4, "what has ended explains why a delivery is refused")
	require.Equal(t, Known{"whsec_old", Name("whsec_old"), fileSource, noon}, inUTC(known[1]))
	require.Empty(t, unread)
	at.Time = noon.Add(time.Second)
	require.False(t, k.takes("whsec_next"), "ended to the moment, without a poll")
}

func inUTC(k Known) Known {
	k.Ends = k.Ends.UTC()
	return k
}

func TestChangedFileCountsOnceItIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	write(t, path, "whsec_old\n")
	k, logs := newRing(t, Options{File: path})
	write(t, path, "whsec_o")
	k.poll(t.Context())
	require.True(t, k.takes("whsec_old"), "half of a write changes nothing")
	write(t, path, "whsec_old\nwhsec_new\n")
	k.poll(t.Context())
	k.poll(t.Context())
	require.True(t, k.takes("whsec_old"))
	require.True(t, k.takes("whsec_new"))
	write(t, path, "whsec_new\n")
	k.poll(t.Context())
	k.poll(t.Context())
	require.False(t, k.takes("whsec_old"))
	require.NotContains(t, logs.String(), "whsec_")
	require.NotContains(t, logs.String(), "ERROR")
}

func TestBrokenChangeLeavesWhatWasGood(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	write(t, path, "whsec_old\n")
	k, logs := newRing(t, Options{File: path})
	polls := func() {
		for range 3 {
			k.poll(t.Context())
			require.True(t, k.takes("whsec_old"))
		}
	}
	for i, broken := range []struct{ text, says string }{
		{"whsec_fresh tomorrow\n", "line 1 of"},
		{"whsec_old\n\"whsec_fresh\"\n", "line 2 of " + path + ": its first word cannot be a secret: it begins or ends with a quote"},
		{"# exported\nWEBHOOK_SECRETS=whsec_fresh\n", "line 2 of " + path + ": its first word cannot be a secret: it has the form NAME=VALUE"},
		{"whsec_fresh,whsec_old\n", "it contains a comma"},
		{"whsec_fresh whsec_old\n", "line 1 of " + path + ": it must be a secret, optionally followed by its end"},
		{"\x00whsec_fresh\n", "invisible"},
		{"whsec_fresh\n\nwhsec_old 2026-01-02T15:04:05Z whsec_x\n", "line 3 of"},
		{"# nothing\n", "holds no secret"},
		{strings.Repeat("x", 1<<20+1), "larger than 1 MiB"},
	} {
		write(t, path, broken.text)
		polls()
		require.Contains(t, logs.String(), broken.says)
		require.Equal(t, i+1, strings.Count(logs.String(), "ERROR"), "once for each cause")
	}
	require.NoError(t, os.Remove(path))
	polls()
	require.Contains(t, logs.String(), "no such file")
	write(t, path, "whsec_fresh\nwhsec_old")
	require.NoError(t, os.Chmod(path, 0o644))
	polls()
	require.Contains(t, logs.String(), "by too many users (mode 644)")
	require.Equal(t, 11, strings.Count(logs.String(), "ERROR"))
	require.False(t, k.takes("whsec_fresh"))

	require.NoError(t, os.Chmod(path, 0o600))
	k.poll(t.Context())
	k.poll(t.Context())
	require.True(t, k.takes("whsec_fresh"))
	require.Contains(t, logs.String(), "can be used again")
	require.NotContains(t, logs.String(), "fresh")
}

func TestFileThatIsWrongIsRefusedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secrets")
	write(t, path, "whsec_new\n")
	require.NoError(t, os.Chmod(path, 0o604))
	_, err := Load(t.Context(), Options{File: path, Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "WEBHOOK_SECRETS_FILE: "+path)
	require.ErrorContains(t, err, "chmod 6")
	require.NotContains(t, err.Error(), "\n")

	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for _, missing := range []string{dir, path + "x", "/dev/null", pipe} {
		_, err := Load(t.Context(), Options{File: missing, Log: slog.New(slog.DiscardHandler)})
		require.ErrorContains(t, err, "WEBHOOK_SECRETS_FILE: ")
	}
}

func TestAShortSecretIsToldOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	write(t, path, "whsec_new\n")
	k, logs := newRing(t, Options{File: path, Secrets: []string{"whsec_test_4f1d2c3b4a59687786950a1b2c3d4e5f", "hush"}})
	for range 3 {
		k.poll(t.Context())
	}
	require.Equal(t, 2, strings.Count(logs.String(), "is it truncated?"))
	require.Contains(t, logs.String(), "setting=WEBHOOK_SECRETS number=2 of=2")
	require.Contains(t, logs.String(), "setting=WEBHOOK_SECRETS_FILE number=1 of=1")
	write(t, path, "whsec_fresh\n")
	for range 3 {
		k.poll(t.Context())
	}
	require.Equal(t, 3, strings.Count(logs.String(), "is it truncated?"))
	require.NotContains(t, logs.String(), "hush")
	require.NotContains(t, logs.String(), "whsec_")
}
