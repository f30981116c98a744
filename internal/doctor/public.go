package doctor

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"inorder/internal/delivery"
)

// Public tries the way of a delivery from the public URL to the receiver. It sends deliveries that are no events: the receiver's own 400 for one
// shows that the body arrived byte for byte and that the secret is right.
type Public struct {
	URL          string // with or without the path of deliveries
	Secret       string // "" if there is none to sign with: then whether bodies arrive unchanged is not checked
	MaxBodyBytes int    // the receiver's
	Within       time.Duration
	Client       *http.Client // default: one that follows no redirects, because the platform follows none
}

// Examine posts about ten requests of up to MaxBodyBytes.
func (p Public) Examine(ctx context.Context) []Finding {
	if !strings.HasSuffix(p.URL, delivery.Path) {
		p.URL = strings.TrimRight(p.URL, "/") + delivery.Path
	}
	if p.Client == nil {
		p.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return Examine(ctx, p.Within, Check{"public URL", p.answers}, Check{"certificate", p.certificate}, Check{"body untouched", p.untouched}, Check{"body limit", p.limit})
}

// probe has what a proxy that reads bodies would change: two kinds of line breaks, blanks at the end, and almost JSON.
const probe = delivery.Probe + " \t\r\n\u00e9\n{\"a\" : 1.0, \"a\":1e2}\r\n \n"

func (p Public) answers(ctx context.Context) ([]Finding, error) {
	asked := time.Now()
	a, err := p.post(ctx, []byte(probe), "")
	took := time.Since(asked).Round(time.Millisecond)
	switch {
	case err != nil:
		return []Finding{Fails("public URL", "Check its name in the DNS, the firewall, the certificate, and whether what stands in front of the receiver runs.", "%s", oneLine(err))}, nil
	case a.isReceivers():
		return []Finding{Well("public URL", "the receiver answered %d in %s", a.status, took)}, nil
	case a.status/100 == 3:
		return []Finding{Fails("public URL", "Register the URL that it leads to: the platform does not follow redirects.", "it redirects with %d to %s", a.status, a.location)}, nil
	case a.status == http.StatusBadGateway, a.status == http.StatusServiceUnavailable, a.status == http.StatusGatewayTimeout:
		return []Finding{Fails("public URL", "Check whether the receiver runs, and where the proxy in front of it sends deliveries; the receiver's /readyz says what it lacks.",
			"it was answered %d", a.status)}, nil
	}
	return []Finding{Fails("public URL", "Whatever stands in front of the receiver must pass on POST "+delivery.Path+", with all its headers.", "it was answered %d, and not by a receiver", a.status)}, nil
}

func (p Public) certificate(ctx context.Context) ([]Finding, error) {
	a, err := p.post(ctx, []byte(probe), "")
	switch {
	case err != nil:
		return nil, err
	case a.certificateEnds.IsZero():
		return []Finding{Noted("certificate", "Put TLS in front of the receiver: deliveries contain customers' names and addresses.", "the URL does not use TLS")}, nil
	}
	left := time.Until(a.certificateEnds)
	if left < 14*24*time.Hour {
		return []Finding{Noted("certificate", "Check that whatever renews it runs.", "it expires in %d days", int(left.Hours()/24))}, nil
	}
	return []Finding{Well("certificate", "valid until %s", a.certificateEnds.UTC().Format(time.DateOnly))}, nil
}

// untouched sends bytes that a proxy may change, as they are and compressed.
func (p Public) untouched(ctx context.Context) ([]Finding, error) {
	if p.Secret == "" {
		return []Finding{Noted("body untouched", "Set WEBHOOK_SECRETS to one of the receiver's secrets.", "not checked: there is no secret to sign with")}, nil
	}
	a, err := p.post(ctx, []byte(probe), "")
	if err != nil {
		return nil, err
	}
	if a.status == http.StatusUnauthorized {
		return []Finding{Fails("body untouched", "If the receiver has this secret (`inorder doctor`, secrets), what stands in front of it changes the body or "+delivery.SignatureHeader+
			": `inorder refused list` says which.", "a signed delivery was answered 401")}, nil
	}
	var compressed bytes.Buffer
	z := gzip.NewWriter(&compressed)
	z.Name = delivery.Probe         // the receiver recognizes the probe by this name, without decompressing it
	_, _ = io.WriteString(z, probe) // writing to a bytes.Buffer never fails
	_ = z.Close()
	if a, err = p.post(ctx, compressed.Bytes(), "gzip"); err != nil {
		return nil, err
	}
	if a.status != http.StatusBadRequest {
		return []Finding{Noted("body untouched", "Turn off decompression of requests in front of the receiver; the platform sends plain bodies today.",
			"plain bodies arrive as they are, and compressed ones do not: one was answered %d", a.status)}, nil
	}
	return []Finding{Well("body untouched", "signed bodies arrive byte for byte, compressed ones too")}, nil
}

// limit finds the largest body that reaches the receiver.
func (p Public) limit(ctx context.Context) ([]Finding, error) {
	passes, fails, verified := 0, 0, false
	for size := max(p.MaxBodyBytes, len(probe)); size >= len(probe); size /= 2 {
		body := append([]byte(probe), bytes.Repeat([]byte{'x'}, size-len(probe))...)
		a, err := p.post(ctx, body, "")
		if err != nil && ctx.Err() != nil {
			return nil, err
		}
		if err == nil && a.isReceivers() {
			passes, verified = size, a.status == http.StatusBadRequest
			break
		}
		fails = size
	}
	if passes >= p.MaxBodyBytes && p.Secret != "" && !verified { // a proxy that drops bodies would look the same
		return []Finding{Noted("body limit", "", "a body of MAX_BODY_BYTES, %d, was answered 401, so whether it arrives whole is not known: see body untouched", passes)}, nil
	}
	if passes >= p.MaxBodyBytes {
		return []Finding{Well("body limit", "a body of MAX_BODY_BYTES, %d, reaches the receiver", passes)}, nil
	}
	const do = "Raise the limit of the proxy in front of the receiver, such as nginx's client_max_body_size, or of the receiver, if its MAX_BODY_BYTES is lower than here."
	if passes == 0 {
		return []Finding{Fails("body limit", do, "no body of %d bytes or more reaches the receiver; MAX_BODY_BYTES allows %d", fails, p.MaxBodyBytes)}, nil
	}
	return []Finding{Fails("body limit", do, "a body of %d bytes does not reach the receiver, although MAX_BODY_BYTES allows %d; one of %d does",
		fails, p.MaxBodyBytes, passes)}, nil
}

// notAnEvent is what a receiver answers to the probe.
const notAnEvent = "must be a JSON object"

// reply is what came back.
type reply struct {
	status          int
	text, location  string
	certificateEnds time.Time
}

// isReceivers reports whether the answer to a delivery that is no event is a receiver's: nobody else writes these texts.
func (a reply) isReceivers() bool {
	switch a.status {
	case http.StatusUnauthorized:
		return strings.Contains(a.text, "Invalid signature")
	case http.StatusBadRequest:
		return strings.Contains(a.text, notAnEvent)
	}
	return false
}

func (p Public) post(ctx context.Context, body []byte, encoding string) (a reply, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	request.Header.Set("User-Agent", "inorder-doctor")
	request.Header.Set("Content-Type", "application/json")
	if encoding != "" {
		request.Header.Set("Content-Encoding", encoding)
	}
	if p.Secret != "" {
		request.Header.Set(delivery.SignatureHeader, delivery.Sign(p.Secret, body))
	}
	response, err := p.Client.Do(request)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err != nil {
		return a, fmt.Errorf("read the answer: %w", err)
	}
	a = reply{status: response.StatusCode, text: strings.TrimSpace(string(text)), location: response.Header.Get("Location")}
	if response.TLS != nil && len(response.TLS.PeerCertificates) > 0 {
		a.certificateEnds = response.TLS.PeerCertificates[0].NotAfter
	}
	return a, nil
}
