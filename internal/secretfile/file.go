// Package secretfile reads files of secrets: it checks who may read them, splits them into lines, and notices changes while the
// process runs. The caller decides what a line means.
package secretfile

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
)

const maxBytes = 1 << 20

// File is a text file of entries. A # begins a comment. CheckMode says who may read it. A change counts once two polls have found
// the same text; while the file is bad, its last good content stays valid. Only one goroutine may use it at a time.
type File[T any] struct {
	Variable string // the setting that names it
	Path     string
	Holds    string // what a file holds, in words that follow "a file with", such as "one secret a line"
	// Parse returns the entries of the lines that are not empty. Its errors must show no part of a line, which may be a secret.
	Parse func(lines []Line) ([]T, error)

	entries []T    // the last good content
	taken   []byte // its text
	seen    []byte // the text at the last poll
	err     error  // why the file can't be used now; nil if it can
}

// Line is a line of a file, without its comment.
type Line struct {
	Number int // from 1
	Words  []string
}

// LineError says what is wrong with a line.
type LineError struct {
	Number int
	Cause  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Number, e.Cause) }

// Entries returns the last good content.
func (f *File[T]) Entries() []T { return f.entries }

// Err returns why the file can't be used now, or nil if it can.
func (f *File[T]) Err() error { return f.err }

// Open reads the file for the first time.
func (f *File[T]) Open() (err error) {
	if f.taken, err = f.read(); err != nil {
		return err
	}
	f.entries, err = f.parse(f.taken)
	return err
}

// OpenFrom is Open for a text that it reads from r, such as standard input; Path names it in errors.
func (f *File[T]) OpenFrom(r io.Reader) (err error) {
	if f.taken, err = f.readFrom(r); err != nil {
		return err
	}
	f.entries, err = f.parse(f.taken)
	return err
}

// Poll reads the file again and reports whether it has new content. It logs once why a bad file can't be used, called what.
func (f *File[T]) Poll(log *slog.Logger, what string) (changed bool) {
	before := f.err
	changed, f.err = f.take()
	switch {
	case f.err != nil && (before == nil || before.Error() != f.err.Error()):
		log.Error(what+" cannot be used; what it held before stays valid", "cause", f.err)
	case f.err == nil && before != nil:
		log.Info(what+" can be used again", "path", f.Path)
	}
	return changed
}

func (f *File[T]) take() (changed bool, err error) {
	text, err := f.read()
	settled := bytes.Equal(text, f.seen)
	f.seen = text
	switch {
	case err != nil:
		return false, err
	case bytes.Equal(text, f.taken):
		return false, nil
	case !settled: // it may be half written: it counts if the next poll finds the same
		return false, f.err
	}
	entries, err := f.parse(text)
	if err == nil {
		f.entries, f.taken = entries, text
	}
	return err == nil, err
}

func (f *File[T]) read() ([]byte, error) {
	// Without O_NONBLOCK, opening a pipe that nobody writes to would hang.
	opened, err := os.OpenFile(f.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: %w; the user that inorder runs as (uid %d) must be able to read it", f.Variable, err, os.Geteuid())
	case err != nil:
		return nil, fmt.Errorf("%s: %w; it must be a file with %s", f.Variable, err, f.Holds)
	}
	defer opened.Close()
	info, err := opened.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", f.Variable, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %s is not a file; it must be one with %s", f.Variable, f.Path, f.Holds)
	}
	if err := CheckMode(info.Mode().Perm(), info.Sys().(*syscall.Stat_t).Uid, onReadOnlyMount(opened)); err != nil {
		return nil, fmt.Errorf("%s: %s %w", f.Variable, f.Path, err)
	}
	return f.readFrom(opened)
}

func (f *File[T]) readFrom(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err == nil && len(text) > maxBytes {
		err = fmt.Errorf("%s is larger than 1 MiB: is it the right file?", f.Path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Variable, err)
	}
	return text, nil
}

func (f *File[T]) parse(text []byte) ([]T, error) {
	var lines []Line
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		number++
		words := strings.Fields(line)
		if i := slices.IndexFunc(words, func(word string) bool { return word[0] == '#' }); i >= 0 {
			words = words[:i]
		}
		if len(words) > 0 {
			lines = append(lines, Line{number, words})
		}
	}
	entries, err := f.Parse(lines)
	if wrong, ok := errors.AsType[*LineError](err); ok {
		return nil, fmt.Errorf("%s: line %d of %s: %w", f.Variable, wrong.Number, f.Path, wrong.Cause)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s %w", f.Variable, f.Path, err)
	}
	return entries, nil
}
