package refused

import (
	"bytes"
	"strings"
)

// proxyHeaders are those by which proxies say that a request came through them.
var proxyHeaders = []string{"Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip", "Cf-Ray", "Cdn-Loop", "X-Amzn-Trace-Id", "X-Cloud-Trace-Context"}

// wayAdvice returns what to check if no secret made the signature and the headers hint at something that may have changed the body on its way; "" if they
// don't. An unpacked body is often not recognised, because compressors differ in what they write. Anybody can write such headers, so this blames nobody.
func (s *search) wayAdvice() string {
	coding := first(s.delivery.Header, "Content-Encoding")
	if coding != "" && !strings.EqualFold(coding, "identity") {
		if text := bytes.TrimLeft(s.delivery.Body, " \t\r\n"); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
			return "Its Content-Encoding says that the body is compressed, but it is plain JSON: if something on the way unpacked it, have it pass bodies on as they come."
		}
		return "The delivery has a Content-Encoding: make sure that nothing on the way compresses or decompresses bodies."
	}
	for _, name := range proxyHeaders {
		if len(s.claims) > 0 && first(s.delivery.Header, name) != "" {
			return "It came through a proxy (" + name + "): one that unpacks compressed bodies, or changes them in another way that was not tried, looks the same from here."
		}
	}
	return ""
}
