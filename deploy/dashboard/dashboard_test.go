package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheDashboardIsTheGeneratedOne(t *testing.T) {
	generated, err := generate()
	require.NoError(t, err)
	committed, err := os.ReadFile("../dashboard.json")
	require.NoError(t, err)
	require.Equal(t, string(generated), string(committed), "write it anew: make dashboard")
}
