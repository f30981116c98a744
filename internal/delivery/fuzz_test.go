package delivery

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzVerify(f *testing.F) {
	f.Add(vectorSecret, []byte(vectorBody), vectorSignature, uint(0))
	f.Add("", []byte{}, "", uint(255))
	f.Add("s", []byte("\xff\x00"), "sha256=", uint(9))
	f.Fuzz(func(t *testing.T, secret string, body []byte, signature string, bit uint) {
		right := Sign(secret, body)
		require.Equal(t, secret != "", Verify(secret, body, right))
		require.Equal(t, secret != "" && signature == right, Verify(secret, body, signature))

		flipped := []byte(right)
		flipped[bit/8%uint(len(flipped))] ^= 1 << (bit % 8)
		require.False(t, Verify(secret, body, string(flipped)))
		if len(body) > 0 {
			changed := bytes.Clone(body)
			changed[bit/8%uint(len(changed))] ^= 1 << (bit % 8)
			require.False(t, Verify(secret, changed, right))
		}
	})
}
