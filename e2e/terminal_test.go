package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/internal/listen"
	"inorder/internal/webhooks"
)

// Control characters of every kind, as others may put them into texts. No command may print them to a terminal.
const (
	nasty     = "\x1b[2J\x1b]0;pwned\a\r\x7f\u0085\u009b31m\u202egro.elpmaxe\u2066\u200f\u061c\u2028x"
	nastyJSON = `\u001b[2J\u001b]0;pwned\u0007\r\u007f\u0085\u009b31m\u202egro.elpmaxe\u2066\u200f\u061c\u2028x`
)

var unsafe = regexp.MustCompile("[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

// answersNastily is a platform that puts these control characters into every text of its answers.
func answersNastily(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Authorization") == "Bearer sk_test_wronghushhush":
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":{"type":"authentication_error%[1]s","code":"INVALID%[1]s","message":"no%[1]s"}}`, nastyJSON)
	case strings.HasSuffix(r.URL.Path, "/admin/webhooks"):
		dead, _ := json.Marshal(webhooks.Tag{Owner: listen.Owner(), Machine: "another", Listen: "default", Lease: time.Now().Add(-time.Hour)}.Metadata())
		fmt.Fprintf(w, `{"data":[{"id":"wh_1%[1]s","url":"https://a.example.com/%[1]s","events":["order.%[1]s"],"is_active":true,"created_at":"%[1]s",
			"metadata":%[2]s}],"has_more":false}`, nastyJSON, dead)
	case strings.HasSuffix(r.URL.Path, "/admin/orders"):
		fmt.Fprintf(w, `{"data":[{"id":"ord_1%[1]s\n0 compared","status":"paid%[1]s","payment_status":"%[1]s"}],"has_more":false}`, nastyJSON)
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `{"error":{"type":"not_found","code":"RESOURCE_NOT_FOUND","message":"Not found: %s"}}`, nastyJSON)
	}
}

func TestNoCommandPrintsWhatATerminalObeys(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	server := httptest.NewServer(http.HandlerFunc(answersNastily))
	t.Cleanup(server.Close)
	env := append(slices.Clip(s.env), "HEADLESS_COMMERCE_API_URL="+server.URL+"/v1")
	for name, tc := range map[string]struct {
		code int
		key  string
		args string
		says string
	}{
		"a webhook":              {0, shopKey, "hooks list", `https://a.example.com/\u001b[2J\u001b]0;pwned\u0007\u000d\u007f\u0085\u009b31m\u202e`},
		"a webhook, as JSON":     {0, shopKey, "hooks list --json", `"url": "https://a.example.com/\u001b[2J`},
		"an order":               {0, shopKey, "orders reconcile --preview", `\u2028x\u000a0 compared`},
		"a sweep":                {0, shopKey, "hooks sweep --dry-run", `would delete wh_1\u001b[2J`},
		"an error":               {1, shopKey, "hooks delete wh_2 --force", `Not found: \u001b[2J`},
		"the error of a list":    {1, "sk_test_wronghushhush", "hooks list", `authentication_error\u001b[2J`},
		"the error of an order":  {1, "sk_test_wronghushhush", "orders reconcile --preview", `no\u001b[2J`},
		"a sweep that must fail": {1, "sk_test_wronghushhush", "hooks sweep", `no\u001b[2J`},
		"what the user typed":    {1, shopKey, "hooks show wh_" + nasty, "there is no webhook"},
	} {
		t.Run(name, func(t *testing.T) {
			s.env = append(slices.Clip(env), "HEADLESS_COMMERCE_API_KEY="+tc.key)
			out := s.do(tc.code, strings.Split(tc.args, " ")...)
			require.Contains(t, out, tc.says)
			require.Empty(t, unsafe.FindAllString(out, -1), "%q", out)
			if strings.Contains(tc.args, "--json") {
				var listed struct{ Webhooks []struct{ URL string } }
				require.NoError(t, json.Unmarshal([]byte(out), &listed))
				require.Equal(t, "https://a.example.com/"+nasty, listed.Webhooks[0].URL)
			}
		})
	}
}
