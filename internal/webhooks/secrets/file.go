package secrets

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"inorder/internal/delivery"
	"inorder/internal/platform"
	"inorder/internal/secretfile"
)

const fileSource = "WEBHOOK_SECRETS_FILE"

// file is the file that WEBHOOK_SECRETS_FILE names. It has one secret a line. A blank and the RFC 3339 time at which the secret
// ends may follow.
type file struct {
	secretfile.File[entry]
	reading reading
}

func newFile(path string) *file {
	return &file{File: secretfile.File[entry]{Variable: fileSource, Path: path, Holds: "one secret a line", Parse: parse}}
}

// poll reads the file again, and warns of short secrets if its entries changed.
func (f *file) poll(log *slog.Logger, now time.Time) {
	known := f.Entries()
	f.Poll(log, "the file of webhook secrets")
	f.reading.note(f.Err(), now)
	if !slices.Equal(f.Entries(), known) {
		warnOfShort(log, f.Entries())
	}
}

func parse(lines []secretfile.Line) (entries []entry, err error) {
	for _, line := range lines {
		e, err := parseLine(line.Words)
		if err != nil {
			return nil, &secretfile.LineError{Number: line.Number, Cause: err}
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil, errors.New("holds no secret; write one a line, for example whsec_new")
	}
	return entries, nil
}

// ReadFile returns the secrets of a file that a person names, in the format of WEBHOOK_SECRETS_FILE. If path is "-", it reads in. Each secret has
// its line as its source and no end: ends matter only where the file comes from. Errors call the file setting and show no secret.
func ReadFile(setting, path string, in io.Reader) ([]Known, error) {
	f := secretfile.File[Known]{Variable: setting, Path: path, Holds: "one secret a line, or - for standard input"}
	open := f.Open
	if path == "-" {
		f.Path, open = "standard input", func() error { return f.OpenFrom(in) }
	}
	f.Parse = func(lines []secretfile.Line) (all []Known, err error) {
		entries, err := parse(lines)
		for i, e := range entries {
			all = append(all, Known{Secret: e.secret, Name: e.name, Source: fmt.Sprintf("line %d of %s", lines[i].Number, f.Path)})
		}
		return all, err
	}
	err := open()
	return f.Entries(), err
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
		return e, errors.New("it must be a secret, optionally followed by its end, for example whsec_old 2026-01-02T15:04:05Z")
	}
	return e, nil
}
