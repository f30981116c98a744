package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"inorder/internal/config"
	"inorder/internal/delivery"
	"inorder/internal/doctor"
	"inorder/internal/refused"
	"inorder/internal/store/view"
	"inorder/internal/words"
	"inorder/receiver"
)

func isNumber(text string) bool {
	_, err := strconv.ParseInt(text, 10, 64)
	return err == nil
}

// headersOf returns the headers that the command line names.
func headersOf(lines []string, signature string) (http.Header, error) {
	header := http.Header{}
	for _, l := range lines {
		name, value, ok := strings.Cut(l, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, errors.New("--header must have the form 'NAME: VALUE'")
		}
		header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if signature != "" {
		header.Add(delivery.SignatureHeader, signature)
	}
	return header, nil
}

// explainKept shows a delivery that a receiver kept and explained. It reads PostgreSQL itself, without the admin API.
func (c *doctorCmd) explainKept(ctx context.Context, std streams) error {
	id, err := strconv.ParseInt(c.Delivery, 10, 64)
	if err != nil {
		return err
	}
	return withDatabase(ctx, 0, func(s *servers) error {
		r, found, err := view.New(s.pool).Refused(ctx, id)
		switch {
		case err != nil:
			return err
		case !found:
			return fmt.Errorf("there is no refused delivery %d, or it is no longer kept; see `inorder refused list`", id)
		case c.JSON:
			return writeJSON(std.out, r)
		}
		writeRefused(std.screen, r, time.Now())
		return nil
	})
}

// maxDelivery is how many bytes of a file are read.
const maxDelivery = 64 << 20

// explainFile explains the delivery in a file. It tries the secrets that this environment has, including those that have ended, and then those
// of --secrets-file.
func (c *doctorCmd) explainFile(ctx context.Context, std streams) error {
	d, err := c.readFile(std)
	if err != nil {
		return err
	}
	others, err := c.otherKeys(std)
	if err != nil {
		return err
	}
	return withClients(ctx, config.NeedSecrets, func(s *servers) error {
		ring, err := s.keyring(ctx)
		if err != nil {
			return err
		}
		tried := refusedSecrets(ring, whyUnread)
		others = without(others, tried.Keys)
		f := explain(d, tried, others, s.MaxBodyBytes)
		n := len(tried.Keys) + len(others)
		if c.JSON {
			return writeJSON(std.out, explanation{f.Causes, f.Summary, f.Advice, f.Secret, f.Source, n, tried.Untried, len(d.Body)})
		}
		fmt.Fprintf(std.err, "a body of %s, tried with %s\n", words.Count(len(d.Body), "byte"), words.Count(n, "secret"))
		writeParagraph(std.screen, "Why: ", line(f.Summary))
		writeParagraph(std.screen, "What to do: ", line(f.Advice))
		return nil
	})
}

// explain returns why a receiver with these settings refuses a delivery. It checks in the receiver's order: size, signature, event. It tries the
// others if none of the receiver's secrets made the signature.
func explain(d refused.Delivery, tried refused.Secrets, others []refused.Key, maxBodyBytes int) refused.Finding {
	if len(d.Body) > maxBodyBytes {
		return refused.Other(refused.TooLarge, fmt.Sprintf("the body is larger than MAX_BODY_BYTES, %d", maxBodyBytes))
	}
	f := refused.Explain(d, tried)
	for i := range others {
		if f.Explained() {
			break
		}
		// Each is tried by itself, because the bound on the work is for all that are tried together.
		if other := refused.Explain(d, refused.Secrets{Keys: others[i : i+1], Untried: tried.Untried}); other.Explained() {
			f = other
		}
	}
	if f.Causes[0] != refused.CauseNothing {
		return f
	}
	if _, err := receiver.Parse(d.Body); err != nil {
		not := refused.Other(refused.BadEvent, err.Error())
		not.Secret, not.Source = f.Secret, f.Source
		return not
	}
	f.Summary = "Secret " + f.Secret + " of " + f.Source + " made the signature, and the body is an event: a receiver with these settings accepts it."
	f.Advice = "If it was refused, the receiver did not have the secret, or the delivery reached it in another form than the file has: see `inorder hooks secrets` and `inorder refused list`."
	return f
}

// explanation is what --json prints of a file.
type explanation struct {
	Causes  []refused.Cause `json:"causes"`
	Summary string          `json:"summary"`
	Advice  string          `json:"advice"`
	Secret  string          `json:"secret,omitempty"` // its name
	Source  string          `json:"secret_source,omitempty"`
	Secrets int             `json:"secrets_tried"`
	Untried string          `json:"not_tried,omitempty"` // which secrets could not be read, and why
	Bytes   int             `json:"bytes"`               // of the body
}

func (c *doctorCmd) readFile(std streams) (d refused.Delivery, err error) {
	var in io.Reader = std.in
	if c.Delivery != "-" {
		file, err := os.Open(c.Delivery)
		if err != nil {
			return d, &usageError{fmt.Sprintf("%v; DELIVERY is a number of `inorder refused list`, a file, or - for standard input", err)}
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxDelivery+1))
	switch {
	case err != nil:
		return d, err
	case len(text) > maxDelivery:
		return d, fmt.Errorf("%s is larger than %d bytes, which no delivery is", c.Delivery, maxDelivery)
	}
	if c.Signature != "" || len(c.Header) > 0 {
		header, err := headersOf(c.Header, c.Signature)
		return refused.Delivery{Header: header, Body: text}, err
	}
	if d, err = doctor.ReadDelivery(text); err != nil {
		return d, &usageError{fmt.Sprintf("%s: %v; for a body alone, add --signature", c.Delivery, err)}
	}
	return d, nil
}
