package migrations

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// A statement that wants a whole table waits for every transaction that has the table, and whoever comes later waits behind it, even to read. So a migration
// doesn't wait for long. It waits for longer than deadlock_timeout, because only then does PostgreSQL end an autovacuum that is in the way. The setting is
// the transaction's, because a session's means nothing behind a transaction pooler.
const lockTimeoutSQL = `SELECT set_config('lock_timeout', (setting::bigint + 500)::text, true) FROM pg_settings WHERE name = 'deadlock_timeout';`

const (
	upMark            = "-- +goose Up\n"
	noTransactionMark = "-- +goose NO TRANSACTION\n"
)

// withLockTimeout begins each migration that is one transaction with lockTimeoutSQL. One that builds an index CONCURRENTLY waits as it is: nobody waits behind it.
type withLockTimeout struct{ fs.FS }

func (w withLockTimeout) Open(name string) (fs.File, error) {
	file, err := w.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return file, err
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	before, after, found := strings.Cut(string(text), upMark)
	switch {
	case !found:
		return nil, fmt.Errorf("%s has no line %q", name, strings.TrimSpace(upMark))
	case strings.Contains(before, noTransactionMark):
		return changed{file, strings.NewReader(string(text))}, nil
	}
	return changed{file, strings.NewReader(before + upMark + lockTimeoutSQL + "\n" + after)}, nil
}

// changed is a file with another text.
type changed struct {
	fs.File
	text io.Reader
}

func (c changed) Read(p []byte) (int, error) { return c.text.Read(p) }
