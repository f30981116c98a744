package inorder

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzParseEvent(f *testing.F) {
	for _, seed := range []string{
		`{"id":"evt_abc123","type":"order.confirmed","created_at":"2025-01-15T10:30:00Z","data":{"id":"order_001","number":1001},"store_id":"store_001"}`,
		`{"type":"payment.refunded","created_at":"2025-01-15T10:30:00.123456789+09:00","data":{"order_id":"o","amount":{"amount":1,"currency":"KRW"}}}`,
		`{"id":null,"type":"x","store_id":7,"created_at":"0001-01-01T00:00:00Z","data":null}`,
		`{"id":"a\n","type":"order.paid"}`,
		`{"id":"evt","type":"\u0000\ud800"}`,
		"{\"id\":\"evt\",\"type\":\"\xff\",\"data\":[1e400]}",
		`null`, `{}`, `[`, ``,
		strings.Repeat("[", 10_001),
	} {
		f.Add([]byte(seed))
	}
	rule := regexp.MustCompile(`\A[A-Za-z0-9._:-]{1,64}\z`)
	f.Fuzz(func(t *testing.T, body []byte) {
		sent := bytes.Clone(body)
		e, err := ParseEvent(body)
		if !bytes.Equal(body, sent) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			if e.ID != "" || err.Error() == "" || strings.Contains(err.Error(), "\n") {
				t.Fatalf("not one line about no event: %q, %+v", err, e)
			}
			return
		}
		switch {
		case !rule.MatchString(e.ID):
			t.Fatalf("ID %q", e.ID)
		case e.Type == "" || !utf8.ValidString(e.Type) || strings.ContainsRune(e.Type, 0):
			t.Fatalf("type %q", e.Type)
		case !bytes.Equal(e.Body, sent):
			t.Fatal("Body is not what was received")
		case e.Data != nil && !json.Valid(e.Data):
			t.Fatalf("data %q", e.Data)
		case len(e.OrderID()) > 4*maxID || !utf8.ValidString(e.OrderID()):
			t.Fatalf("order ID %q", e.OrderID())
		}
		if again, err := ParseEvent(sent); err != nil || again.ID != e.ID {
			t.Fatalf("parsed again: %q, %v", again.ID, err)
		}
		change, err := e.Change()
		if err == nil && !change.Empty() && (change.OrderID != e.OrderID() || change.At.IsZero()) {
			t.Fatalf("a change without its order or time: %+v", change)
		}
	})
}
