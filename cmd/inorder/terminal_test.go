package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a command prints is cleaned by its streams, so it must use no others.
func TestCommandsPrintThroughTheirStreams(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		code, err := os.ReadFile(file)
		require.NoError(t, err)
		if file != "main.go" && file != "terminal_test.go" {
			require.NotRegexp(t, `os\.Std(out|err)|fmt\.Print|"log"`, string(code), file)
		}
	}
}
