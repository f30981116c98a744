package delivery

import (
	"strings"
	"testing"
)

// The vector that was tried against the platform's official SDK.
const (
	vectorSecret    = "whsec_test_4f1d2c3b4a59687786950a1b2c3d4e5f"
	vectorBody      = `{"id":"evt_abc123","type":"order.confirmed","created_at":"2025-01-15T10:30:00Z","data":{"id":"order_001","number":1001,"status":"confirmed","total":{"amount":78000,"currency":"KRW"}},"store_id":"store_001"}`
	vectorSignature = "e61dcb3ce70e712c9d1af6014d95ba796d547207e06cbf5809cbfcc2911d9ce0"
)

func TestSignIsThePlatforms(t *testing.T) {
	if got := Sign(vectorSecret, []byte(vectorBody)); got != vectorSignature {
		t.Fatalf("Sign = %s, want %s", got, vectorSignature)
	}
}

func TestVerify(t *testing.T) {
	for name, tc := range map[string]struct {
		secret, body, signature string
		want                    bool
	}{
		"the vector":              {vectorSecret, vectorBody, vectorSignature, true},
		"upper-case hex":          {vectorSecret, vectorBody, strings.ToUpper(vectorSignature), false},
		"a prefix":                {vectorSecret, vectorBody, "sha256=" + vectorSignature, false},
		"cut short":               {vectorSecret, vectorBody, vectorSignature[:63], false},
		"missing":                 {vectorSecret, vectorBody, "", false},
		"the key without whsec_":  {strings.TrimPrefix(vectorSecret, "whsec_"), vectorBody, vectorSignature, false},
		"another body":            {vectorSecret, vectorBody + " ", vectorSignature, false},
		"an empty secret's own":   {"", vectorBody, Sign("", []byte(vectorBody)), false},
		"an empty body, its sign": {vectorSecret, "", Sign(vectorSecret, nil), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Verify(tc.secret, []byte(tc.body), tc.signature); got != tc.want {
				t.Fatalf("Verify = %v, want %v", got, tc.want)
			}
		})
	}
}
