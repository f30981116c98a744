package delivery

import (
	"strings"
	"testing"

	"inorder/dev/vector"
)

const vectorSecret, vectorBody, vectorSignature = vector.Secret, vector.Body, vector.Signature

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
