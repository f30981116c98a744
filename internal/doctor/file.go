package doctor

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"

	"inorder/internal/refused"
)

// ErrNoDelivery says that a file holds no delivery.
var ErrNoDelivery = errors.New("the file must hold the delivery as it was sent: header lines, an empty line, then the body, byte for byte")

// ReadDelivery reads a delivery as HTTP has it: a request line, which may be missing, header lines, an empty line, and the body. It puts a chunked body
// together. It leaves out what follows a body of Content-Length bytes, such as the line break that an editor adds. If there are no headers, its error is
// ErrNoDelivery.
func ReadDelivery(text []byte) (refused.Delivery, error) {
	if first, rest, _ := bytes.Cut(text, []byte("\n")); bytes.Contains(first, []byte(" HTTP/")) {
		text = rest
	}
	in := bufio.NewReader(bytes.NewReader(text))
	header, err := textproto.NewReader(in).ReadMIMEHeader()
	if err != nil || len(header) == 0 {
		return refused.Delivery{}, ErrNoDelivery
	}
	var body io.Reader = in
	if strings.EqualFold(header.Get("Transfer-Encoding"), "chunked") {
		body = httputil.NewChunkedReader(in)
	}
	d := refused.Delivery{Header: http.Header(header)}
	if d.Body, err = io.ReadAll(body); err != nil {
		return refused.Delivery{}, fmt.Errorf("the body's chunks can't be read: %w", err)
	}
	if n, err := strconv.Atoi(header.Get("Content-Length")); err == nil && n >= 0 && n < len(d.Body) {
		d.Body = d.Body[:n]
	}
	return d, nil
}
