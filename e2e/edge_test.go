package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/stack"
	"inorder/dev/testenv"
)

// edge is a real nginx or Caddy with TLS before two receivers, configured as its example in deploy/.
type edge struct {
	program string
	client  *http.Client
}

// edgeHost is the name of the public host in the examples.
const edgeHost = "shop.example.com"

// edges are the programs that deploy/ has an example for. Each function returns the program, with the example changed to run here.
var edges = map[string]func(t *testing.T, cert certificate, address string, upstreams [2]string) stack.Beside{
	"nginx": func(t *testing.T, cert certificate, address string, upstreams [2]string) stack.Beside {
		site := example(t, "nginx.conf",
			"server 127.0.0.1:3000", "server "+upstreams[0], "server 127.0.0.1:3010", "server "+upstreams[1],
			"listen 443 ssl;", "listen "+address+" ssl;", "listen [::]:443 ssl;", "", "/etc/ssl/inorder/", "{dir}/")
		main := "daemon off; pid {dir}/pid; error_log {dir}/error.log; events {} http { access_log off; include {dir}/site;"
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			main += " " + kind + "_temp_path {dir}/" + kind + ";"
		}
		return stack.Beside{Program: "nginx", Args: []string{"-e", "{dir}/error.log", "-c", "{dir}/main"},
			Files: map[string]string{"main": main + " }", "site": site, "fullchain.pem": cert.chain, "privkey.pem": cert.key}}
	},
	"caddy": func(t *testing.T, cert certificate, address string, upstreams [2]string) stack.Beside {
		_, port, err := net.SplitHostPort(address)
		require.NoError(t, err)
		site := example(t, "Caddyfile",
			"reverse_proxy 127.0.0.1:3000 127.0.0.1:3010 {", "reverse_proxy "+upstreams[0]+" "+upstreams[1]+" {",
			"\n"+edgeHost+" {", "\n"+edgeHost+":"+port+" {\n\tbind 127.0.0.1", "\n:443 {", "\n:"+port+" {\n\tbind 127.0.0.1",
			"# tls /etc/ssl/inorder/fullchain.pem /etc/ssl/inorder/privkey.pem", "tls {dir}/fullchain.pem {dir}/privkey.pem")
		return stack.Beside{Program: "caddy", Args: []string{"run", "--adapter", "caddyfile", "--config", "{dir}/Caddyfile"}, Env: []string{"CADDY_ADMIN=off"},
			Files: map[string]string{"Caddyfile": site, "fullchain.pem": cert.chain, "privkey.pem": cert.key}}
	},
}

// example returns a file of deploy/ with texts replaced: replaced has pairs of old and new. Each old text must be in the file.
func example(t *testing.T, name string, replaced ...string) string {
	raw, err := os.ReadFile(filepath.Join(testenv.Root(), "deploy", name))
	require.NoError(t, err)
	text := string(raw)
	for i := 0; i < len(replaced); i += 2 {
		require.Contains(t, text, replaced[i], "deploy/%s", name)
		text = strings.ReplaceAll(text, replaced[i], replaced[i+1])
	}
	return text
}

// newEdge runs the program until the test ends. If it is not installed, the test is skipped; in CI it fails.
func newEdge(t *testing.T, program string, upstreams [2]string) *edge {
	cert, address := newCertificate(t), freeAddr(t)
	client := cert.client(address)
	b := edges[program](t, cert, address, upstreams)
	b.Ready = func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+edgeHost+"/", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	stop, err := b.Run(t.Context())
	if errors.Is(err, stack.ErrNotInstalled) {
		testenv.Need(t, err, "deploy/ is not tested")
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stop()) })
	return &edge{program, client}
}

// certificate is a self-signed certificate for edgeHost, as PEM.
type certificate struct{ chain, key string }

func newCertificate(t *testing.T) certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: edgeHost}, DNSNames: []string{edgeHost},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return certificate{text("CERTIFICATE", der), text("PRIVATE KEY", private)}
}

// client returns a client that connects to address for every host, and trusts only this certificate.
func (c certificate) client(address string) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(c.chain))
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: roots},
		MaxIdleConnsPerHost: 32, DisableCompression: true}}
}
