package refused

import (
	"net/http"
	"strings"
	"testing"

	"inorder/internal/delivery"
)

// Whatever strangers send, there is a finding, and neither it nor the sample shows a secret or the signature.
func FuzzSample(f *testing.F) {
	f.Add(sign(body), "webhook-signature", "v1,"+base64Of(sign(body)), []byte(body))
	f.Add("sha256="+strings.ToUpper(sign(body)), "svix-timestamp", "1", []byte(gzipped(body)))
	f.Add("t=1,v1=x", "User-Agent", "whsec_old/1", []byte("[[[{\"a\":\"\\ud800\"}]]]\r\n"))
	f.Add("", "whsec_gone", "1", []byte("\xef\xbb\xbf\xff"))
	f.Fuzz(func(t *testing.T, signature, name, value string, body []byte) {
		if len(body) > 4<<10 || len(value) > 1<<10 {
			return
		}
		d := Delivery{Header: http.Header{delivery.SignatureHeader: {signature}, name: {value}}, Body: body, At: noon}
		s, _ := sampleOf(Refusal{Delivery: d, Reason: BadSignature, Status: 401}, Secrets{Keys: keys}, false)
		if len(s.Causes) == 0 || s.Summary == "" || s.Advice == "" || s.Explained() != (s.Evidence == BySecret) {
			t.Fatalf("%+v", s.Finding)
		}
		text := strings.ToLower(strings.Join(append(s.HeaderNames, s.Summary, s.Advice, s.ContentType, s.ContentEncoding, s.UserAgent, s.EventID, s.Type, s.OrderID), "\n"))
		for _, k := range keys {
			if strings.Contains(text, strings.ToLower(string(k.Secret))) {
				t.Fatal("a secret shows")
			}
		}
		if len(signature) >= 40 && strings.Contains(text, strings.ToLower(signature)) && !strings.Contains(strings.ToLower(string(body)+name+value), strings.ToLower(signature)) {
			t.Fatal("the signature shows")
		}
	})
}
