package listen

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
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
	Result                 string // accepted, duplicate, …; "" without
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
	transport.DisableCompression = true // it would ask for gzip, and unpack the answer
	transport.ResponseHeaderTimeout = answerTimeout
	transport.Proxy = nil // the receiver is on this machine, or near
	return &forwarder{verifier: verifier, maxBody: int64(cmp.Or(maxBody, defaultMaxBody)), each: each, proxy: &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.URL.Path, r.Out.URL.RawPath = to.Scheme, to.Host, path, ""
			r.Out.Host = ""
			for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} { // taken out for us
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

// ServeHTTP takes deliveries only: the URL is public, and nothing else of the receiver must be.
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
