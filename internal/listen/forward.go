package listen

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"inorder"
	"inorder/internal/delivery"
)

// alreadyHere is shown instead of duplicate for an event that was not delivered here before: it reached the receiver another way.
const alreadyHere = "already here"

// Delivery is an authentic delivery that was forwarded, with its answer, or one that was refused.
type Delivery struct {
	Type, OrderID, EventID string // "" where the body is no event
	Status                 int    // the receiver's; 0 if it gave none
	Result                 string // accepted, duplicate, …; "" for none
	Took                   time.Duration
	Err                    error // why there is no status; a refusal if it was not forwarded
}

// forwarder passes authentic deliveries to a receiver: the body's bytes and all end-to-end headers as they came, so that the
// signature holds. It passes the answer back unchanged.
type forwarder struct {
	verifier Verifier
	maxBody  int64
	proxy    *httputil.ReverseProxy
	each     func(Delivery)
}

type deliveryKey struct{}

func newForwarder(receiver string, verifier Verifier, maxBody int, each func(Delivery)) (*forwarder, error) {
	to, err := url.Parse(receiver)
	if err != nil {
		return nil, err
	}
	path := strings.TrimRight(to.Path, "/") + delivery.Path
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // otherwise it asks for gzip, and unpacks the answer
	transport.ResponseHeaderTimeout = answerTimeout
	transport.Proxy = nil // the receiver is on this machine, or near
	return &forwarder{verifier: verifier, maxBody: int64(cmp.Or(maxBody, defaultMaxBody)), each: each, proxy: &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.URL.Path, r.Out.URL.RawPath = to.Scheme, to.Host, path, ""
			r.Out.Host = ""
			for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} { // ReverseProxy has removed them
				if values, sent := r.In.Header[name]; sent {
					r.Out.Header[name] = values
				}
			}
		},
		ModifyResponse: func(r *http.Response) error {
			d := r.Request.Context().Value(deliveryKey{}).(*Delivery)
			d.Status, d.Result = r.StatusCode, r.Header.Get(delivery.ResultHeader)
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			r.Context().Value(deliveryKey{}).(*Delivery).Err = err
			http.Error(w, "the receiver does not answer", http.StatusBadGateway)
		},
		ErrorLog: quiet,
	}}, nil
}

// ServeHTTP takes only deliveries: the URL is public, and nothing else of the receiver may be.
func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !strings.HasSuffix(r.URL.Path, delivery.Path):
		http.NotFound(w, r)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	}
	began := time.Now()
	body, err := f.read(w, r)
	if refused := (refusal{}); errors.As(err, &refused) {
		refuse(w, refused)
		f.each(Delivery{Err: refused})
		return
	}
	d := &Delivery{}
	if e, err := inorder.ParseEvent(body); err == nil {
		d.Type, d.OrderID, d.EventID = e.Type, e.OrderID(), e.ID
	}
	r = r.WithContext(context.WithValue(r.Context(), deliveryKey{}, d))
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	f.proxy.ServeHTTP(w, r)
	d.Took = time.Since(began)
	f.each(*d)
}

func nobodyListens(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// Verifier verifies signatures with the secrets that are valid now, the same as the receiver's.
type Verifier interface {
	// Verify reports whether one of the secrets made the signature of the unchanged body. It is called concurrently.
	Verify(body []byte, signature string) bool
}

const (
	defaultMaxBody = 1 << 20

	maxHeader     = 8 << 10          // bytes, as at the receiver
	headerSlack   = 4 << 10          // what an http.Server reads beyond its MaxHeaderBytes
	readTimeout   = 10 * time.Second // for a whole request, as at the receiver
	answerTimeout = 40 * time.Second // for the receiver's answer: longer than the platform waits
)

type connKey struct{}

// newServer returns a server for a forwarder, on a conns. A whole request must arrive within that time.
func newServer(f *forwarder, within time.Duration) *http.Server {
	return &http.Server{
		Handler: f, ErrorLog: quiet, ConnState: state, MaxHeaderBytes: maxHeader - headerSlack,
		ReadTimeout: within, WriteTimeout: within + answerTimeout + 5*time.Second,
		IdleTimeout: 75 * time.Second, // longer than tunnels keep an idle connection
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
	forged   = refusal{http.StatusUnauthorized, "its signature matches no secret in WEBHOOK_SECRETS, WEBHOOK_SECRETS_FILE or DATABASE_URL"}
	tooLarge = refusal{http.StatusRequestEntityTooLarge, "its body exceeds MAX_BODY_BYTES"}
	tooSlow  = refusal{http.StatusRequestTimeout, "its body did not arrive in time"}
	notWhole = refusal{http.StatusBadRequest, "its body ended too early"}
)

// read returns an authentic body, or a refusal. Before it reads the body, it checks the announced size and the signature's form.
// It uses nothing else of the request until the body is known to be authentic.
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
