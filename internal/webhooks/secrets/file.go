package secrets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"inorder/internal/delivery"
	"inorder/internal/platform"
)

const (
	fileSource   = "WEBHOOK_SECRETS_FILE"
	maxFileBytes = 1 << 20
)

// file is the one that WEBHOOK_SECRETS_FILE names. It has one secret a line. A blank and an RFC 3339 time may follow, at which
// the secret ends. A # begins a comment. checkMode says who may read it.
type file struct {
	path    string
	entries []entry // the last good content
	taken   []byte  // the text of that
	seen    []byte  // the text at the last poll
	err     error   // of the last text that was parsed
}

// open reads the file for the first time.
func (f *file) open() (err error) {
	if f.taken, err = f.read(); err != nil {
		return err
	}
	f.entries, err = f.parse(f.taken)
	return err
}

// poll takes up a change. If the file is bad, that is logged once, and the last good content stays valid.
func (f *file) poll(log *slog.Logger) {
	before := f.err
	known := f.entries
	f.err = f.take()
	switch {
	case f.err != nil && (before == nil || before.Error() != f.err.Error()):
		log.Error("the file of webhook secrets cannot be used; what it held before stays valid", "cause", f.err)
	case f.err == nil && before != nil:
		log.Info("the file of webhook secrets is right again", "path", f.path)
	}
	if !slices.Equal(f.entries, known) {
		warnOfShort(log, f.entries)
	}
}

func (f *file) take() error {
	text, err := f.read()
	settled := bytes.Equal(text, f.seen)
	f.seen = text
	switch {
	case err != nil:
		return err
	case bytes.Equal(text, f.taken):
		return nil
	case !settled: // it may be half written: it counts if the next poll finds the same
		return f.err
	}
	entries, err := f.parse(text)
	if err == nil {
		f.entries, f.taken = entries, text
	}
	return err
}

func (f *file) read() ([]byte, error) {
	// Without O_NONBLOCK, opening a pipe that nobody writes to would hang.
	opened, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: %w; the user that inorder runs as (uid %d) must be able to read it", fileSource, err, os.Geteuid())
	case err != nil:
		return nil, fmt.Errorf("%s: %w; it must be a file with one secret a line", fileSource, err)
	}
	defer opened.Close()
	info, err := opened.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", fileSource, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %s is not a file; it must be one with a secret a line", fileSource, f.path)
	}
	if err := checkMode(info.Mode().Perm(), info.Sys().(*syscall.Stat_t).Uid, onReadOnlyMount(opened)); err != nil {
		return nil, fmt.Errorf("%s: %s %w", fileSource, f.path, err)
	}
	text, err := io.ReadAll(io.LimitReader(opened, maxFileBytes+1))
	if err == nil && len(text) > maxFileBytes {
		err = fmt.Errorf("%s is larger than 1 MiB: is it the right file?", f.path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fileSource, err)
	}
	return text, nil
}

// parse returns the secrets of a text. Its errors show no part of a line, which may be a secret.
func (f *file) parse(text []byte) (entries []entry, err error) {
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		number++
		fields := strings.Fields(line)
		if i := slices.IndexFunc(fields, func(field string) bool { return field[0] == '#' }); i >= 0 {
			fields = fields[:i]
		}
		if len(fields) == 0 {
			continue
		}
		e, err := parseLine(fields)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d of %s: %w", fileSource, number, f.path, err)
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%s: %s holds no secret; write one a line, for example whsec_new", fileSource, f.path)
	}
	return entries, nil
}

// parseLine reads a secret and its end, if there is one.
func parseLine(fields []string) (e entry, err error) {
	if err := delivery.CheckSecret(fields[0]); err != nil {
		return e, fmt.Errorf("its first word cannot be a secret: %w", err)
	}
	e = entry{secret: platform.Secret(fields[0]), name: Name(fields[0]), source: fileSource}
	if len(fields) > 1 {
		e.ends, err = time.Parse(time.RFC3339, fields[1])
	}
	if err != nil || len(fields) > 2 {
		return e, errors.New("it is neither a secret nor a secret and its end, for example whsec_old 2026-01-02T15:04:05Z")
	}
	return e, nil
}

// checkMode refuses a file of secrets that too many may read or change. PostgreSQL has the same rule for key files: only the
// owner may read it, and the group, too, if root owns it. Containers need one rule more: on a read-only mount everybody may read
// it, because whoever made the mount decides who sees it. Kubernetes (modes 644, 640 and 440, behind symbolic links) and Swarm
// (444) can mount secrets in no other way.
func checkMode(mode fs.FileMode, owner uint32, readOnly bool) error {
	allowed := fs.FileMode(0o700)
	switch {
	case readOnly:
		allowed = 0o755
	case owner == 0:
		allowed = 0o740
	}
	if excess := mode &^ allowed; excess == 0 {
		return nil
	}
	if readOnly {
		return fmt.Errorf("may be changed by others than its owner (mode %03o): mount it with mode 444 or 440", mode)
	}
	return fmt.Errorf("may be read or changed by too many (mode %03o): chmod %03o it; a file that root owns may have 640, and one on a "+
		"read-only mount, such as Kubernetes' and Swarm's secrets, 444", mode, allowed&0o640)
}

// onReadOnlyMount reports whether the file is on a mount through which nobody can write to it.
func onReadOnlyMount(f *os.File) bool {
	const readOnly = 1 // ST_RDONLY, MNT_RDONLY
	var st syscall.Statfs_t
	return syscall.Fstatfs(int(f.Fd()), &st) == nil && st.Flags&readOnly != 0
}
