package receiver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/internal/delivery"
)

// smuggled is the part of the bytes that another reading would take for a second request.
const smuggled = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

// inChunks is the end of a chunked body, followed by a smuggled request.
const inChunks = "0\r\n\r\n" + smuggled

func length(body string) string { return fmt.Sprintf("Content-Length: %d\r\n", len(body)) }

// ambiguous are requests whose end two servers may see in different places, and how they may be answered.
var ambiguous = map[string]struct {
	header, body string
	status       []int
}{
	"a length and chunked":                 {length(inChunks) + "Transfer-Encoding: chunked\r\n", inChunks, []int{400, 401}},
	"chunked and a length":                 {"Transfer-Encoding: chunked\r\n" + length(inChunks), inChunks, []int{400, 401}},
	"chunked and a shorter length":         {"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "5\r\nhello\r\n0\r\n\r\n" + smuggled, []int{400, 401}},
	"two lengths":                          {"Content-Length: 5\r\nContent-Length: 50\r\n", "hello" + smuggled, []int{400}},
	"two equal lengths":                    {"Content-Length: 5\r\nContent-Length: 5\r\n", "hello" + smuggled, []int{400}},
	"two lengths in one line":              {"Content-Length: 5, 50\r\n", "hello" + smuggled, []int{400}},
	"two equal lengths in one line":        {"Content-Length: 5, 5\r\n", "hello" + smuggled, []int{400}},
	"a coding nobody knows":                {"Transfer-Encoding: xchunked\r\n", inChunks, []int{400, 501}},
	"a coding nobody knows, and a length":  {length(inChunks) + "Transfer-Encoding: xchunked\r\n", inChunks, []int{400, 501}},
	"gzip, chunked":                        {"Transfer-Encoding: gzip, chunked\r\n", inChunks, []int{400, 501}},
	"chunked, gzip":                        {"Transfer-Encoding: chunked, gzip\r\n", inChunks, []int{400, 501}},
	"chunked, identity":                    {"Transfer-Encoding: chunked, identity\r\n", inChunks, []int{400, 501}},
	"chunked twice":                        {"Transfer-Encoding: chunked, chunked\r\n", inChunks, []int{400, 501}},
	"chunked, then identity":               {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", inChunks, []int{400, 501}},
	"identity, then chunked":               {"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", inChunks, []int{400, 501}},
	"identity alone":                       {"Transfer-Encoding: identity\r\n", smuggled, []int{400, 401, 501}},
	"identity in other letters":            {"transfer-ENCODING: IDENTITY\r\n", smuggled, []int{400, 401, 501}},
	"identity and a length":                {"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", "hello" + smuggled, []int{400, 401, 501}},
	"an empty coding":                      {"Transfer-Encoding:\r\n", inChunks, []int{400, 501}},
	"chunked with a parameter":             {"Transfer-Encoding: chunked;q=1\r\n", inChunks, []int{400, 501}},
	"chunked after a vertical tab":         {"Transfer-Encoding: \vchunked\r\n", inChunks, []int{400, 501}},
	"chunked before a NUL":                 {"Transfer-Encoding: chunked\x00\r\n", inChunks, []int{400, 501}},
	"a folded length":                      {"Content-Length: 5\r\n 0\r\n", "hello" + smuggled, []int{400}},
	"a folded coding":                      {"Transfer-Encoding:\r\n gzip, chunked\r\n", inChunks, []int{400, 501}},
	"a folded first field":                 {" Content-Length: 5\r\n", "hello" + smuggled, []int{400}},
	"a blank before the length's colon":    {"Content-Length : 5\r\n", "hello" + smuggled, []int{400}},
	"a blank before the coding's colon":    {"Transfer-Encoding : chunked\r\n", inChunks, []int{400}},
	"a tab before the coding's colon":      {"Transfer-Encoding\t: chunked\r\n", inChunks, []int{400}},
	"a field without a colon":              {"Content-Length\r\n", "hello" + smuggled, []int{400}},
	"a NUL in a name":                      {"Content\x00-Length: 5\r\n", "hello" + smuggled, []int{400}},
	"a bare carriage return in a value":    {"A: b\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", "hello" + smuggled, []int{400}},
	"a coding after a bare LF":             {length(inChunks) + "A: b\nTransfer-Encoding: chunked\r\n", inChunks, []int{400, 401}},
	"an end of the header by bare LFs":     {length(smuggled) + "\n", smuggled, []int{400, 401}},
	"a negative length":                    {"Content-Length: -5\r\n", "hello" + smuggled, []int{400}},
	"a length with a plus":                 {"Content-Length: +5\r\n", "hello" + smuggled, []int{400}},
	"a length in hex":                      {"Content-Length: 0x5\r\n", "hello" + smuggled, []int{400}},
	"a length beyond 64 bits":              {"Content-Length: 99999999999999999999\r\n", "hello" + smuggled, []int{400}},
	"a length of 2^64 and five":            {"Content-Length: 18446744073709551621\r\n", "hello" + smuggled, []int{400}},
	"a huge length":                        {"Content-Length: 9223372036854775807\r\n", "hello" + smuggled, []int{413}},
	"a length with a blank inside":         {"Content-Length: 5 0\r\n", "hello" + smuggled, []int{400}},
	"an empty length":                      {"Content-Length:\r\n", "hello" + smuggled, []int{400}},
	"a chunk's size with a plus":           {"Transfer-Encoding: chunked\r\n", "+5\r\nhello\r\n0\r\n\r\n" + smuggled, []int{400}},
	"a chunk's size in 0x":                 {"Transfer-Encoding: chunked\r\n", "0x5\r\nhello\r\n0\r\n\r\n" + smuggled, []int{400}},
	"a negative chunk":                     {"Transfer-Encoding: chunked\r\n", "-5\r\nhello\r\n0\r\n\r\n" + smuggled, []int{400}},
	"a chunk beyond 64 bits":               {"Transfer-Encoding: chunked\r\n", "10000000000000005\r\nhello\r\n0\r\n\r\n" + smuggled, []int{400}},
	"a chunk without a size":               {"Transfer-Encoding: chunked\r\n", ";a\r\nhello\r\n0\r\n\r\n" + smuggled, []int{400}},
	"a chunk that is longer than its size": {"Transfer-Encoding: chunked\r\n", "5\r\nhello world\r\n0\r\n\r\n" + smuggled, []int{400}},
	"a chunk's size before a bare LF":      {"Transfer-Encoding: chunked\r\n", "5\nhello\r\n0\r\n\r\n" + smuggled, []int{400}},
	"a bare LF in a chunk's extension":     {"Transfer-Encoding: chunked\r\n", "5;a\nhello\r\n0\r\n\r\n" + smuggled, []int{400}},
	"a trailer that is no field":           {"Transfer-Encoding: chunked\r\n", "0\r\n" + smuggled, []int{400}},
}

func TestAmbiguousFramingIsAnsweredOnce(t *testing.T) {
	for name, tc := range ambiguous {
		t.Run(name, func(t *testing.T) {
			for _, signed := range []bool{false, true} {
				r, _ := newTest(t, &fakeStarter{}, nil)
				c := dial(t, serve(t, r))
				head := "POST " + delivery.Path + " HTTP/1.1\r\nHost: localhost\r\n"
				if signed { // the signature fits no body, but is well-formed, so that the body is read in the other way
					tc.header += delivery.SignatureHeader + ": " + strings.Repeat("0", 64) + "\r\n"
				}
				_, err := io.WriteString(c, head+tc.header+"\r\n"+tc.body)
				require.NoError(t, err)
				statuses, closed := answersUntilEnd(t, c)
				require.Len(t, statuses, 1, "answers")
				require.Contains(t, tc.status, statuses[0])
				require.True(t, closed, "the connection is closed")
			}
		})
	}
}

// TestHTTP10WithATransferCoding sends framing that is faulty according to RFC 9112, section 6.1.
func TestHTTP10WithATransferCoding(t *testing.T) {
	r, _ := newTest(t, &fakeStarter{}, nil)
	c := dial(t, serve(t, r))
	_, err := io.WriteString(c, "POST "+delivery.Path+" HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+smuggled)
	require.NoError(t, err)
	statuses, closed := answersUntilEnd(t, c)
	require.Equal(t, []int{400}, statuses)
	require.True(t, closed)
}

// TestUnusualFramingIsRead sends framing that is unusual but unambiguous: the body is read as it was signed, and the
// connection serves the next request.
func TestUnusualFramingIsRead(t *testing.T) {
	chunk := fmt.Sprintf("%x", len(vectorBody))
	for name, sent := range map[string]string{
		"a chunk extension":          "Transfer-Encoding: chunked\r\n\r\n" + chunk + ";a=b\r\n" + vectorBody + "\r\n0\r\n\r\n",
		"trailers":                   "Transfer-Encoding: chunked\r\n\r\n" + chunk + "\r\n" + vectorBody + "\r\n0\r\nA: b\r\n\r\n",
		"a size in capitals":         "Transfer-Encoding: chunked\r\n\r\n" + strings.ToUpper(chunk) + "\r\n" + vectorBody + "\r\n0\r\n\r\n",
		"a size with leading zeros":  "Transfer-Encoding: chunked\r\n\r\n000" + chunk + "\r\n" + vectorBody + "\r\n0\r\n\r\n",
		"Chunked":                    "Transfer-Encoding: Chunked\r\n\r\n" + chunk + "\r\n" + vectorBody + "\r\n0\r\n\r\n",
		"many chunks":                "Transfer-Encoding: chunked\r\n\r\n" + inChunksOf(vectorBody, 7) + "0\r\n\r\n",
		"a length with leading zero": fmt.Sprintf("Content-Length: 0%d\r\n\r\n%s", len(vectorBody), vectorBody),
		"a length between tabs":      fmt.Sprintf("Content-Length:\t%d\t\r\n\r\n%s", len(vectorBody), vectorBody),
	} {
		t.Run(name, func(t *testing.T) {
			starter := &fakeStarter{}
			r, _ := newTest(t, starter, nil)
			c := dial(t, serve(t, r))
			_, err := io.WriteString(c, "POST "+delivery.Path+" HTTP/1.1\r\nHost: localhost\r\n"+delivery.SignatureHeader+": "+vectorSignature+"\r\n"+sent+smuggled)
			require.NoError(t, err)
			answers := bufio.NewReader(c)
			require.Equal(t, 200, readAnswer(t, answers))
			require.Equal(t, 200, readAnswer(t, answers), "the request after it")
			require.Equal(t, vectorBody, string(starter.all()[0].body))
		})
	}
}

func inChunksOf(body string, size int) (chunks string) {
	for len(body) > 0 {
		n := min(size, len(body))
		chunks += fmt.Sprintf("%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return chunks
}

func TestSignatureHeader(t *testing.T) {
	length := fmt.Sprintf("Content-Length: %d\r\n", len(vectorBody))
	chunked := fmt.Sprintf("\r\n%x\r\n%s\r\n0\r\n", len(vectorBody), vectorBody)
	for name, tc := range map[string]struct {
		sent   string
		status int
	}{
		"with a tab before it":        {delivery.SignatureHeader + ":\t" + vectorSignature + "\r\n" + length + "\r\n" + vectorBody, 200},
		"with a tab after it":         {delivery.SignatureHeader + ": " + vectorSignature + "\t\r\n" + length + "\r\n" + vectorBody, 200},
		"with blanks and tabs around": {delivery.SignatureHeader + ": \t " + vectorSignature + " \t \r\n" + length + "\r\n" + vectorBody, 200},
		"directly after the colon":    {delivery.SignatureHeader + ":" + vectorSignature + "\r\n" + length + "\r\n" + vectorBody, 200},
		"with a blank in it":          {delivery.SignatureHeader + ": " + vectorSignature[:32] + " " + vectorSignature[32:] + "\r\n" + length + "\r\n" + vectorBody, 401},
		"in a trailer":                {"Transfer-Encoding: chunked\r\n" + chunked + delivery.SignatureHeader + ": " + vectorSignature + "\r\n\r\n", 401},
		"in an announced trailer":     {"Trailer: " + delivery.SignatureHeader + "\r\nTransfer-Encoding: chunked\r\n" + chunked + delivery.SignatureHeader + ": " + vectorSignature + "\r\n\r\n", 401},
		"right, and another trailer": {delivery.SignatureHeader + ": " + vectorSignature + "\r\nTransfer-Encoding: chunked\r\n" + chunked +
			delivery.SignatureHeader + ": " + strings.Repeat("0", 64) + "\r\n\r\n", 200},
		"twice":                {strings.Repeat(delivery.SignatureHeader+": "+vectorSignature+"\r\n", 2) + length + "\r\n" + vectorBody, 401},
		"right after a wrong":  {delivery.SignatureHeader + ": " + strings.Repeat("0", 64) + "\r\n" + delivery.SignatureHeader + ": " + vectorSignature + "\r\n" + length + "\r\n" + vectorBody, 401},
		"right before a wrong": {delivery.SignatureHeader + ": " + vectorSignature + "\r\n" + delivery.SignatureHeader + ": " + strings.Repeat("0", 64) + "\r\n" + length + "\r\n" + vectorBody, 401},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newTest(t, &fakeStarter{}, nil)
			c := dial(t, serve(t, r))
			_, err := io.WriteString(c, "POST "+delivery.Path+" HTTP/1.1\r\nHost: localhost\r\n"+tc.sent)
			require.NoError(t, err)
			require.Equal(t, tc.status, readAnswer(t, bufio.NewReader(c)))
		})
	}
}

// readAnswer reads one answer with its body and returns its status.
func readAnswer(t *testing.T, from *bufio.Reader) int {
	t.Helper()
	res, err := http.ReadResponse(from, nil)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	return res.StatusCode
}

// answersUntilEnd reads answers until the connection is closed, or its deadline is over.
func answersUntilEnd(t *testing.T, c net.Conn) (statuses []int, closed bool) {
	t.Helper()
	from := bufio.NewReader(c)
	for {
		if _, err := from.Peek(1); err != nil {
			return statuses, err == io.EOF
		}
		statuses = append(statuses, readAnswer(t, from))
	}
}
