package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"inorder/internal/api"
	"inorder/internal/store"
)

// Keys store the answers to requests with an Idempotency-Key; *store.Store implements it.
type Keys interface {
	ClaimKey(ctx context.Context, actor, key string, request []byte, lease time.Duration) (store.KeyClaim, *store.KeptResponse, error)
	RenewKey(ctx context.Context, c *store.KeyClaim, lease time.Duration) error
	KeepAnswer(ctx context.Context, c store.KeyClaim, r store.KeptResponse) error
	FreeKey(ctx context.Context, c store.KeyClaim) error
}

const (
	// A process that dies blocks a key for this long.
	keyLease = 30 * time.Second
	maxKey   = 255
)

// once executes a POST with an Idempotency-Key once: the same request sent again gets the same answer. Answers of 500 and above are not
// kept. A POST continues when its client disconnects, so that it ends one way or the other.
func (a *API) once(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		key, body, refusal := a.readPost(r)
		if refusal == nil {
			refusal = checkBody(r.Header, body)
		}
		if refusal != nil {
			write(w, refusal)
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), timeoutOf(r.URL.Path))
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if key == "" || actorOf(ctx).readOnly { // a read-only token's POST is a dry run or refused: nothing is kept
			next.ServeHTTP(w, r)
			return
		}
		a.answerOnce(w, r, key, digest(r, body), next)
	})
}

// readPost reads the key and the body of a POST, or says why it is refused.
func (a *API) readPost(r *http.Request) (key string, body []byte, refusal *api.Problem) {
	key, err := keyOf(r.Header)
	if err != nil {
		return "", nil, invalid(nothingDone, api.FieldProblem{Location: "header." + api.IdempotencyHeader, Message: err.Error()})
	}
	most := a.maxBody(r.URL.Path)
	body, err = io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case err != nil:
		return "", nil, invalid("the body could not be read completely; nothing was done")
	case int64(len(body)) > most:
		return "", nil, newProblem(http.StatusRequestEntityTooLarge, api.ProblemTooLarge, fmt.Sprintf("the body has more than %d bytes", most))
	}
	return key, body, nil
}

// keyOf returns the key, which may be quoted as in the IETF's draft; "" for none.
func keyOf(h http.Header) (string, error) {
	values := h.Values(api.IdempotencyHeader)
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1:
		return "", errors.New("it is given more than once")
	}
	key := strings.Trim(values[0], " \t")
	if strings.HasPrefix(key, `"`) {
		quoted, ok := strings.CutSuffix(key[1:], `"`)
		if !ok || strings.ContainsAny(quoted, `"\`) {
			return "", errors.New("it begins with a quote and does not end with one, or has one inside")
		}
		key = quoted
	}
	if key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", fmt.Errorf("it must have 1 to %d characters, all of them ASCII", maxKey)
	}
	return key, nil
}

// digest identifies a request by its method, URI and body.
func digest(r *http.Request, body []byte) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s\n%s", r.Method, r.URL.RequestURI(), body))
	return sum[:]
}

func (a *API) answerOnce(w http.ResponseWriter, r *http.Request, key string, request []byte, next http.Handler) {
	claim, kept, err := a.claim(r.Context(), key, request)
	switch {
	case err != nil:
		write(w, a.keyProblem(r.Context(), err))
		return
	case kept != nil:
		w.Header().Set(api.ReplayedHeader, "true")
		(&recorder{header: http.Header{"Content-Type": {kept.ContentType}}, status: kept.Status, body: *bytes.NewBuffer(kept.Body)}).to(w)
		return
	}
	stop := a.renew(r.Context(), &claim)
	answer := &recorder{header: http.Header{}}
	next.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), claimKey{}, claim)))
	stop()
	a.keep(r.Context(), claim, answer)
	answer.to(w)
}

func (a *API) claim(ctx context.Context, key string, request []byte) (store.KeyClaim, *store.KeptResponse, error) {
	if a.keys == nil {
		return store.KeyClaim{}, nil, unavailable("postgres", "this process has no DATABASE_URL, so it can't keep an Idempotency-Key")
	}
	ctx, cancel := context.WithTimeout(ctx, keyTimeout)
	defer cancel()
	return a.keys.ClaimKey(ctx, actorOf(ctx).name, key, request, a.lease)
}

func (a *API) keyProblem(ctx context.Context, err error) *api.Problem {
	switch {
	case errors.Is(err, store.ErrKeyInUse):
		return newProblem(http.StatusConflict, api.ProblemKeyInUse, "a request with this Idempotency-Key is being answered: try again in a moment")
	case errors.Is(err, store.ErrKeyOfAnother):
		return newProblem(http.StatusUnprocessableEntity, api.ProblemKeyOtherBody,
			"this Idempotency-Key was used for a different request within the last day: use a new key for a new request; nothing was done")
	}
	p := a.problemOf(ctx, err)
	if p.Type == api.ProblemUnavailable && a.keys != nil {
		p.Detail += "; nothing was done: try again in a moment"
	}
	return p
}

// renew renews the claim's lease until stop is called. stop returns once nothing renews it any more.
func (a *API) renew(ctx context.Context, c *store.KeyClaim) (stop func()) {
	quit := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		ticks := time.NewTicker(a.lease / 3)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				// If renewing fails until the lease ends, another process may do the same act, which is harmless. The request's end does not
				// cut a renewal off: PostgreSQL may have done it already.
				within, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyTimeout)
				_ = a.keys.RenewKey(within, c, a.lease)
				cancel()
			case <-quit:
				return
			}
		}
	})
	return func() {
		close(quit)
		running.Wait()
	}
}

// keep stores the answer, or frees the key after a 5xx. If that fails, the lease expires, and the request can be tried again: it finds what
// was done.
func (a *API) keep(ctx context.Context, c store.KeyClaim, answer *recorder) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyTimeout)
	defer cancel()
	var err error
	if answer.status >= 500 {
		err = a.keys.FreeKey(ctx, c)
	} else {
		err = a.keys.KeepAnswer(ctx, c, store.KeptResponse{Status: answer.status, ContentType: answer.header.Get("Content-Type"), Body: answer.body.Bytes()})
	}
	if err != nil {
		a.limited.Log(slog.LevelWarn, "api keep", "the answer to a request with an Idempotency-Key could not be kept; the key is free again within "+a.lease.String(), "cause", cause(err))
	}
}

// recorder is an answer that is not sent yet.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

func (r *recorder) to(w http.ResponseWriter) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	r.WriteHeader(http.StatusOK)
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body.Bytes())
}
