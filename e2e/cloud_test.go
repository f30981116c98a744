package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/sample"
)

// cloud is a proxy in front of the real Temporal server. Like Temporal Cloud, it requires TLS and either an API key or a client
// certificate, and refuses to manage search attributes.
type cloud struct {
	addr             string
	ca               string // path of its CA certificate
	cert, key        string // paths of a client certificate that it accepts
	apiKey           string // "" if it requires a certificate instead
	authenticated    atomic.Int64
	askedForOperator atomic.Int64
}

// newCloud returns a cloud that runs until the test ends. It requires the API key or, if that is "", a client certificate.
func newCloud(t *testing.T, apiKey string) *cloud {
	var plain http.Protocols
	plain.SetUnencryptedHTTP2(true)
	c, quiet := &cloud{apiKey: apiKey}, log.New(io.Discard, "", 0) // don't log clients that disconnect
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: os.Getenv(testenv.TemporalVariable)})
	proxy.Transport, proxy.FlushInterval, proxy.ModifyResponse = &http.Transport{Protocols: &plain}, -1, statusAsTrailer
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.pass(w, r, proxy) }))
	server.EnableHTTP2 = true
	server.Config.ErrorLog, proxy.ErrorLog = quiet, quiet
	server.TLS = &tls.Config{}
	if apiKey == "" {
		server.TLS.ClientAuth = tls.RequireAnyClientCert
	}
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	c.addr = server.Listener.Addr().String()
	dir := t.TempDir()
	c.ca, c.cert, c.key = filepath.Join(dir, "ca.pem"), filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	require.NoError(t, err)
	for file, text := range map[string][]byte{c.ca: own, c.cert: own, c.key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})} {
		require.NoError(t, os.WriteFile(file, text, 0o600))
	}
	return c
}

func (c *cloud) pass(w http.ResponseWriter, r *http.Request, on http.Handler) {
	switch {
	case c.apiKey != "" && r.Header.Get("Authorization") != "Bearer "+c.apiKey:
		refuse(w, "7", "Request unauthorized.")
	case strings.HasPrefix(r.URL.Path, "/temporal.api.operatorservice."):
		c.askedForOperator.Add(1)
		refuse(w, "7", "Request unauthorized.")
	default:
		c.authenticated.Add(1)
		on.ServeHTTP(w, r)
	}
}

// refuse answers with a gRPC status.
func refuse(w http.ResponseWriter, status, message string) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Grpc-Status", status)
	w.Header().Set("Grpc-Message", message)
	w.WriteHeader(http.StatusOK)
}

// statusAsTrailer moves the gRPC status of an answer without a body into the trailers, where gRPC looks once the headers are flushed.
func statusAsTrailer(r *http.Response) error {
	for name, values := range r.Header {
		if strings.HasPrefix(name, "Grpc-") {
			r.Header[http.TrailerPrefix+name] = values
			delete(r.Header, name)
		}
	}
	return nil
}

// The environment variables of Temporal Cloud's own documentation suffice.
func TestTemporalCloudsEnvironment(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]struct {
		apiKey string
		env    func(*cloud) []string
	}{
		"an API key": {"tmprl_e2e", func(c *cloud) []string { return []string{"TEMPORAL_API_KEY=" + c.apiKey} }},
		"a client's certificate": {"", func(c *cloud) []string {
			return []string{"TEMPORAL_TLS_CLIENT_CERT_PATH=" + c.cert, "TEMPORAL_TLS_CLIENT_KEY_PATH=" + c.key}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, how.apiKey)
			s := newBareSystem(t, testenv.DatabaseURL(t))
			s.env = append(s.env, "TEMPORAL_ADDRESS="+c.addr, "TEMPORAL_TLS_SERVER_CA_CERT_PATH="+c.ca)
			s.env = append(s.env, how.env(c)...)
			out, code := s.run("migrate")
			require.Zero(t, code, out)
			require.NotZero(t, c.askedForOperator.Load(), "it would add search attributes where it may")
			s.pool = testenv.Pool(t, s.databaseURL())
			s.serve()
			before := c.authenticated.Load()
			id := s.send(sample.Options{Type: "order.created", OrderID: "order_1"})
			s.eventually("it is applied", func() bool { return s.outcome(id) == "applied" })
			require.Greater(t, c.authenticated.Load(), before, "through the front")
			require.NotContains(t, out+s.log(), "tmprl_e2e")
		})
	}
}

func TestWhatIsWrongWithTLSIsNamed(t *testing.T) {
	t.Parallel()
	byKey, byCert := newCloud(t, "tmprl_e2e"), newCloud(t, "")
	ca := "TEMPORAL_TLS_SERVER_CA_CERT_PATH=" + byKey.ca // valid for both
	for name, wrong := range map[string]struct {
		env  []string
		says string
	}{
		"no CA":                   {[]string{"TEMPORAL_ADDRESS=" + byKey.addr, "TEMPORAL_API_KEY=tmprl_e2e"}, "TEMPORAL_TLS_SERVER_CA_CERT_PATH"},
		"another name":            {[]string{"TEMPORAL_ADDRESS=" + byKey.addr, "TEMPORAL_API_KEY=tmprl_e2e", ca, "TEMPORAL_TLS_SERVER_NAME=elsewhere.test"}, "TEMPORAL_TLS_SERVER_NAME"},
		"no TLS":                  {[]string{"TEMPORAL_ADDRESS=" + byKey.addr}, "TEMPORAL_TLS=true"},
		"TLS to a server without": {[]string{"TEMPORAL_TLS=true"}, "TEMPORAL_TLS"},
		"another API key":         {[]string{"TEMPORAL_ADDRESS=" + byKey.addr, "TEMPORAL_API_KEY=tmprl_wrong", ca}, "TEMPORAL_API_KEY"},
		"no certificate":          {[]string{"TEMPORAL_ADDRESS=" + byCert.addr, "TEMPORAL_TLS=true", ca}, "TEMPORAL_TLS_CLIENT_CERT_PATH"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t)
			s.env = append(s.env, wrong.env...)
			s.eventually("migrate says it", func() bool { // on a busy machine two seconds may end before the first answer
				out, code := s.run("migrate", "--wait", "2s")
				if code != 1 {
					t.Errorf("exit code %d: %s", code, out)
				}
				return code != 1 || strings.Contains(out, wrong.says)
			})
			s.start("serve")
			s.eventually("the log says it", func() bool { return strings.Contains(s.log(), wrong.says) })
		})
	}
}
