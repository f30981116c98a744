package tools

import (
	"bytes"
	"os"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"
)

// The admin API's document follows the schema of OpenAPI 3.1, and every reference in it resolves.
func TestTheDocumentOfTheAdminAPIIsValid(t *testing.T) {
	text, err := os.ReadFile("../docs/openapi.json")
	require.NoError(t, err)
	require.Empty(t, faults(t, text))
	for was, becomes := range map[string]string{
		`"in": "query"`: `"in": "cookies"`,
		`"openapi": "`:  `"openapy": "`,
	} {
		require.Contains(t, string(text), was)
		require.NotEmpty(t, faults(t, bytes.Replace(text, []byte(was), []byte(becomes), 1)), "the mistake is found: %s", becomes)
	}
	require.NotEmpty(t, faults(t, bytes.ReplaceAll(text, []byte(`schemas/Problem"`), []byte(`schemas/Nothing"`))))
}

func faults(t *testing.T, text []byte) (all []string) {
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		return []string{err.Error()}
	}
	if _, err := document.BuildV3Model(); err != nil {
		return []string{err.Error()}
	}
	v, errs := validator.NewValidator(document)
	require.Empty(t, errs)
	_, found := v.ValidateDocument()
	for _, e := range found {
		all = append(all, e.Error())
	}
	return all
}
