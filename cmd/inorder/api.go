package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"inorder/internal/api"
	"inorder/internal/config"
)

const apiSettings = `

Needs ADMIN_TOKEN. Reads ADMIN_URL, the admin API of inorder serve or a worker; default: http://127.0.0.1:3001.`

// localAdmin is the admin API that commands ask without ADMIN_URL.
const localAdmin = "http://127.0.0.1:3001"

// operator is what the commands that use the admin API work with.
type operator struct {
	*api.Client
	config.Config
	streams
}

// withAPI runs a command that uses the admin API.
func withAPI(std streams, run func(operator) error) error {
	c, err := config.Load(config.NeedAdmin)
	if err != nil {
		return err
	}
	c.AdminURL = cmp.Or(c.AdminURL, localAdmin)
	client := &http.Client{
		Transport:     patient{std.err, c.AdminURL},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token stays with its host
	}
	return run(operator{&api.Client{URL: c.AdminURL, Token: c.AdminToken, HTTP: client}, c, std})
}

// reportEvery is the time between two reports of progress, and how long a command may be silent.
const reportEvery = 2 * time.Second

// patient reports on calls that take long.
type patient struct {
	out io.Writer
	url string
}

func (p patient) RoundTrip(r *http.Request) (*http.Response, error) {
	waiting := time.AfterFunc(reportEvery, func() { fmt.Fprintf(p.out, "still waiting for %s …\n", p.url) })
	defer waiting.Stop()
	return http.DefaultTransport.RoundTrip(r)
}

// usageError says that a command can't be run as it was typed. Nothing was done.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// isInvalid reports whether the admin API refused what was typed.
func isInvalid(err error) bool {
	p, ok := errors.AsType[*api.Problem](err)
	return ok && p.Type == api.ProblemInvalid
}

// isRefusedToken reports whether the admin API does not know the token, or does not let it act.
func isRefusedToken(err error) bool {
	p, ok := errors.AsType[*api.Problem](err)
	return ok && (p.Type == api.ProblemUnauthorized || p.Type == api.ProblemForbidden)
}

// begunError is the error of a command that had already done something. So its exit code is never exitUsage, whatever the cause.
type begunError struct{ error }

func (e *begunError) Unwrap() error { return e.error }

// explainEvent adds to the API's refusal about an event which commands to type instead.
func explainEvent(err error, eventID string) error {
	p, ok := errors.AsType[*api.Problem](err)
	switch {
	case !ok:
		return err
	case p.Type == api.ProblemNotFound:
		return fmt.Errorf("%w; to list events: inorder events list", err)
	case p.Type == api.ProblemUnfit && len(p.Actions) > 0:
		return fmt.Errorf("%w. What fits now:%s", err, commands(eventID, p.Actions))
	case p.Type == api.ProblemUnfit:
		return fmt.Errorf("%w; to see where it stands: inorder events show %s", err, eventID)
	}
	return err
}

func explainOrder(err error, orderID string) error {
	if p, ok := errors.AsType[*api.Problem](err); ok && p.Type == api.ProblemNotFound {
		return fmt.Errorf("%w; events that wait for it: inorder events list --order %s", err, quoted(orderID))
	}
	return err
}

func explainBulk(err error) error {
	if p, ok := errors.AsType[*api.Problem](err); ok && p.Type == api.ProblemNotFound {
		return fmt.Errorf("%w; to list bulk actions: inorder audit --action bulk", err)
	}
	return err
}

// commands returns the commands to type for actions on an event, each on a line of its own.
func commands(eventID string, actions []api.Action) string {
	var lines strings.Builder
	for _, a := range actions {
		rest := " --reason '…'"
		switch a {
		case api.Retry:
			rest = ""
		case api.Amend:
			rest = " --body FILE --reason '…'"
		}
		fmt.Fprintf(&lines, "\n  inorder events %s %s%s", a, quoted(eventID), rest)
	}
	return lines.String()
}

// quoted returns a word as a shell takes it.
func quoted(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/@%+,="
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// isInterrupted reports whether a command ends because somebody interrupted it.
func isInterrupted(ctx context.Context) bool { return ctx.Err() != nil }
