package listen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"inorder/internal/delivery"
)

// Verifier has the secrets that are valid now, the same as the receiver's.
type Verifier interface {
	// Verify reports whether one of them made the signature of the untouched body. It is called concurrently.
	Verify(body []byte, signature string) bool
}

const (
	defaultMaxBody = 1 << 20

	maxHeader     = 8 << 10          // bytes, as at the receiver
	headerSlack   = 4 << 10          // what an http.Server reads beyond its MaxHeaderBytes
	readTimeout   = 10 * time.Second // of a request as a whole, as there
	answerTimeout = 40 * time.Second // of the receiver: more than the platform waits
)

type connKey struct{}

// newServer returns a server for a forwarder, on a conns. A request must have arrived as a whole within that time.
func newServer(f *forwarder, within time.Duration) *http.Server {
	return &http.Server{
		Handler: f, ErrorLog: quiet, ConnState: state, MaxHeaderBytes: maxHeader - headerSlack,
		ReadTimeout: within, WriteTimeout: within + answerTimeout + 5*time.Second,
		IdleTimeout: 75 * time.Second, // longer than tunnels keep a connection that they do not use
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
	}
}

// refusal is why a request is not forwarded. It holds nothing that its sender chose.
type refusal struct {
	status int
	reason string // for the user
}

func (r refusal) Error() string { return fmt.Sprintf("%d: %s", r.status, r.reason) }

var (
	unsigned = refusal{http.StatusUnauthorized, "it has no well-formed " + delivery.SignatureHeader}
	forged   = refusal{http.StatusUnauthorized, "its signature is of no secret in WEBHOOK_SECRETS, WEBHOOK_SECRETS_FILE or DATABASE_URL"}
	tooLarge = refusal{http.StatusRequestEntityTooLarge, "its body is over MAX_BODY_BYTES"}
	tooSlow  = refusal{http.StatusRequestTimeout, "its body did not arrive in time"}
	notWhole = refusal{http.StatusBadRequest, "its body ended too early"}
)

// read returns an authentic body, or a refusal. It checks size and signature before it reads the body, and uses nothing else of
// the request before the body is known to be authentic.
func (f *forwarder) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	signature := delivery.Signature(r.Header.Values(delivery.SignatureHeader))
	switch {
	case r.ContentLength > f.maxBody:
		return nil, tooLarge
	case signature == "":
		return nil, unsigned
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, f.maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, tooSlow
	case err != nil:
		return nil, notWhole
	case !f.verifier.Verify(body, signature):
		return nil, forged
	}
	if c, ours := r.Context().Value(connKey{}).(*conn); ours {
		c.hasWhole()
	}
	return body, nil
}

// refuse answers at once, without reading the rest of the body: the connection is not used again.
func refuse(w http.ResponseWriter, r refusal) {
	says := http.StatusText(r.status)
	if r.status == http.StatusUnauthorized {
		says = "Invalid signature" // as the receiver
	}
	w.Header().Set("Connection", "close")
	http.Error(w, says, r.status)
}
