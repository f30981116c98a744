package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
)

// maxAnswer is the largest answer that is read, in bytes. A page holds no payloads; a single view has one event or order.
const maxAnswer = 32 << 20

// answerTimeout bounds a call. The server's own limit is shorter.
const answerTimeout = time.Minute

// Client calls the admin API. Its methods may be called concurrently. Their errors say what to do next; if the server refused the
// request, a *Problem is in the chain.
type Client struct {
	URL   string // ADMIN_URL, such as http://127.0.0.1:3001
	Token string // ADMIN_TOKEN
	HTTP  *http.Client
}

// send makes one call. in, if any, is marshalled into the request; out is filled from the answer.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, in, out any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTimeout, fmt.Errorf("no answer within %s", answerTimeout))
	defer cancel()
	r := request{method: method, url: strings.TrimRight(c.URL, "/") + path}
	if len(query) > 0 {
		r.url += "?" + query.Encode()
	}
	if strings.Contains(path+"/", "//") {
		return errors.New("the ID is empty")
	}
	if in != nil {
		var err error
		if r.body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	if method == http.MethodPost {
		r.key = uuid.NewString()
	}
	a, err := c.attempt(ctx, r)
	if isCutOff(err) { // a server that was restarted closes its connections; the key makes the second attempt harmless
		a, err = c.attempt(ctx, r)
	}
	if err != nil {
		return c.unreachable(ctx, err)
	}
	if err := a.problem(c.URL); err != nil {
		return err
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return fmt.Errorf("%s did not answer as inorder's admin API does: is ADMIN_URL correct, and does the server have this program's version?", c.URL)
	}
	return nil
}

// request is one call, the same in both of its attempts.
type request struct {
	method, url string
	body        []byte
	key         string
}

type answer struct {
	status int
	kind   string
	body   []byte
}

func (c *Client) attempt(ctx context.Context, r request) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "inorder")
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		req.Header.Set(IdempotencyHeader, r.key)
	}
	client := c.HTTP
	if client == nil {
		client = plain
	}
	res, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return answer{res.StatusCode, kind, body}, err
}

// plain follows no redirects, so that the token stays with its host.
var plain = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// isCutOff reports whether a connection ended before its answer.
func isCutOff(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// unreachable says what to do when there is no answer. The URL is not shown twice, and the token never.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
			err = cause
		}
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("the admin API at %s does not answer: is ADMIN_URL correct, and is `inorder serve` (or a worker) running there? %w", c.URL, err)
}

// problem returns why the server refused the request; nil if it did not.
func (a answer) problem(at string) error {
	if a.status/100 == 2 {
		return nil
	}
	var p Problem
	if a.kind != ProblemType || json.Unmarshal(a.body, &p) != nil {
		return fmt.Errorf("%s answered %d %s, which is not inorder's admin API: is ADMIN_URL correct?", at, a.status, http.StatusText(a.status))
	}
	switch p.Type {
	case ProblemUnauthorized:
		return fmt.Errorf("%w; set ADMIN_TOKEN to a token of the server at %s", &p, at)
	case ProblemForbidden:
		return fmt.Errorf("%w; set ADMIN_TOKEN to a token that may change things", &p)
	}
	return &p
}
