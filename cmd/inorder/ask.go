package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"inorder/internal/terminal"
)

// errDeclined ends a command that a person did not confirm.
var errDeclined = errors.New("nothing was done")

// confirm asks whether to go on, unless --yes says so. Where nobody can be asked, it returns an error.
func (s streams) confirm(ctx context.Context, question string, yes bool) error {
	if yes {
		return nil
	}
	if !terminal.IsPerson(s.in) {
		return &usageError{question + " Standard input is not a terminal, so the question can't be answered: add --yes. Nothing was done"}
	}
	answer, err := s.ask(ctx, question+" [y/N] ")
	if err != nil {
		return err
	}
	if answer = strings.ToLower(answer); answer != "y" && answer != "yes" {
		return errDeclined
	}
	return nil
}

// askReason returns the reason that was given, or asks for one. Without an answer it returns errDeclined.
func (s streams) askReason(ctx context.Context, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if !terminal.IsPerson(s.in) {
		return "", &usageError{"give a reason for the audit: --reason '…'. Nothing was done"}
	}
	reason, err := s.ask(ctx, "Why (for the audit): ")
	if err == nil && reason == "" {
		err = errDeclined
	}
	return reason, err
}

// ask reads one line, and no byte after it. It returns when ctx ends; what is typed afterwards is lost.
func (s streams) ask(ctx context.Context, question string) (string, error) {
	fmt.Fprint(s.err, question)
	type answer struct {
		text string
		err  error
	}
	typed := make(chan answer, 1)
	go func() {
		text, err := bufio.NewReaderSize(byteReader{s.in}, 16).ReadString('\n')
		typed <- answer{strings.TrimSpace(text), err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(s.err)
		return "", errDeclined
	case a := <-typed:
		if a.err != nil && a.text == "" {
			return "", errDeclined // Ctrl-D
		}
		return a.text, nil
	}
}

// byteReader reads one byte at a time, so that the next question finds its answer.
type byteReader struct {
	in interface{ Read([]byte) (int, error) }
}

func (r byteReader) Read(p []byte) (int, error) { return r.in.Read(p[:min(len(p), 1)]) }
