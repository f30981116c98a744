package ready

import (
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/api/serviceerror"
)

// settings maps the text of a connection error to the setting that is likely to be wrong. The first match counts.
var settings = []struct{ text, look string }{
	{"signed by unknown authority", "TEMPORAL_TLS_SERVER_CA_CERT_PATH must name the authority of the server's certificate"},
	{"certificate is not trusted", "TEMPORAL_TLS_SERVER_CA_CERT_PATH must name the authority of the server's certificate"}, // on macOS
	{"certificate is valid for", "TEMPORAL_TLS_SERVER_NAME, or TEMPORAL_ADDRESS, isn't a name of the server's certificate"},
	{"cannot validate certificate for", "TEMPORAL_TLS_SERVER_NAME, or TEMPORAL_ADDRESS, isn't a name of the server's certificate"},
	{"certificate required", "the server requires a client certificate: set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH"},
	{"bad certificate", "the server rejects the client certificate, or got none: check TEMPORAL_TLS_CLIENT_CERT_PATH"},
	{"does not look like a TLS handshake", "the server does not speak TLS, which TEMPORAL_TLS, TEMPORAL_TLS_* and TEMPORAL_API_KEY turn on"},
	{"reading server preface", "the server may speak only TLS: set TEMPORAL_TLS=true"},
}

// Explain prefixes an error of Temporal's client with the setting to check, if one is likely to be wrong. It matches by text,
// because gRPC passes on nothing else. nil stays nil.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	_, denied := errors.AsType[*serviceerror.PermissionDenied](err)
	if denied || strings.Contains(err.Error(), "Unauthenticated") {
		return fmt.Errorf("TEMPORAL_API_KEY or the client's certificate may not use the namespace TEMPORAL_NAMESPACE: %w", err)
	}
	for _, s := range settings {
		if strings.Contains(err.Error(), s.text) {
			return fmt.Errorf("%s: %w", s.look, err)
		}
	}
	return err
}
