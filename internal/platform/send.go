package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	// maxAnswer is the largest answer that is read, in bytes: a page of a hundred large orders has about 2 MB.
	maxAnswer = 32 << 20
	// maxRefusal is how many bytes of an unsuccessful answer are read. The rest is dropped.
	maxRefusal = 64 << 10
)

// request is one call, the same in each of its attempts.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	idempotency  string // of a POST
}

// send makes one call. in, if any, is marshalled into the request; out, if any, is filled from the answer.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, in, out any) (Reading, error) {
	r := request{method: method, path: path, query: query}
	fail := func(err error) (Reading, error) {
		return Reading{}, fmt.Errorf("platform: %s %s: %w", method, path, err)
	}
	if strings.Contains(path+"/", "//") {
		return fail(&lasting{errors.New("the ID is empty")})
	}
	if in != nil {
		var err error
		if r.body, err = json.Marshal(in); err != nil {
			return fail(err)
		}
	}
	if method == http.MethodPost {
		r.idempotency = uuid.NewString()
	}
	answer, err := c.retry(ctx, r)
	if err != nil {
		return fail(err)
	}
	date, _ := http.ParseTime(answer.header.Get("Date"))
	if out != nil {
		if err := json.Unmarshal(answer.body, out); err != nil {
			return fail(&lasting{fmt.Errorf("the answer (%d) is not what the Admin API documents; is HEADLESS_COMMERCE_API_URL right? %w", answer.status, err)})
		}
	}
	return Reading{date, answer.took}, nil
}

type answer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

// retry repeats the attempt while that may help: after a network error, a 429 or a 5xx, within MaxRetries, MaxWait and the
// context.
func (c *Client) retry(ctx context.Context, r request) (answer, error) {
	for n := 0; ; n++ {
		a, err := c.attempt(ctx, r)
		if err == nil {
			return a, nil
		}
		wait, again := c.pause(ctx, n, err)
		if again {
			stopped := c.opts.Sleep(ctx, wait)
			if stopped == nil {
				continue
			}
			err = fmt.Errorf("%w while waiting to try again after: %w", stopped, err)
		}
		if n > 0 {
			err = fmt.Errorf("%w (attempt %d)", err, n+1)
		}
		return answer{}, err
	}
}

// pause returns whether to try again after attempt n failed, counted from 0, and after how long.
func (c *Client) pause(ctx context.Context, n int, err error) (wait time.Duration, again bool) {
	if !retryable(err) || n >= c.opts.MaxRetries || ctx.Err() != nil {
		return 0, false
	}
	wait = backoff(n)
	if refused, ok := errors.AsType[*Error](err); ok && refused.RetryAfter > 0 {
		wait = refused.RetryAfter
	}
	if deadline, ok := ctx.Deadline(); ok && wait >= time.Until(deadline) {
		return 0, false // it would only be cut off
	}
	return wait, wait <= c.opts.MaxWait
}

func (c *Client) attempt(ctx context.Context, r request) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.AttemptTimeout, fmt.Errorf("none within %s", c.opts.AttemptTimeout))
	defer cancel()

	u := c.base.String() + r.path
	if len(r.query) > 0 {
		u += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+string(c.key))
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "inorder")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.idempotency != "" {
		req.Header.Set("Idempotency-Key", r.idempotency)
	}

	start := time.Now()
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, networkError(err)
	}
	defer res.Body.Close()
	most, success := int64(maxRefusal), res.StatusCode/100 == 2
	if success {
		most = maxAnswer + 1
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, most))
	switch {
	case err != nil:
		return answer{}, networkError(err)
	case !success:
		return answer{}, c.errorOf(res, body)
	case len(body) > maxAnswer:
		return answer{}, &lasting{fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)}
	}
	return answer{res.StatusCode, res.Header, body, time.Since(start)}, nil
}

// backoff is the pause before retry n, counted from 0: half a second, doubled each time, give or take a quarter, as in the
// platform's own SDK.
func backoff(n int) time.Duration {
	d := 500 * time.Millisecond << min(n, 16)
	return time.Duration(float64(d) * (0.75 + rand.Float64()/2))
}

// retryAfter reads a Retry-After header, seconds or an HTTP date; 0 if it is missing, malformed or past.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
