package loglimit

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"refused": "refused",
		"failed to connect:\n\t127.0.0.1: refused\n\t127.0.0.1:  refused\n\t::1: refused\n": "failed to connect: 127.0.0.1: refused; ::1: refused",
		"\r\n\tA  b\xff\n":              "A b?",
		strings.Repeat("a", 5000):       strings.Repeat("a", maxLine) + " …",
		strings.Repeat("a", 299) + "가가": strings.Repeat("a", 299) + " …",
		"":                              "",
	} {
		require.Equal(t, want, OneLine(errors.New(text)))
	}
}
