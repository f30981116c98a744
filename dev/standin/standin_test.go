package standin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
	"inorder/dev/testenv"
	"inorder/internal/delivery"
)

// shop is a stand-in that listens, and an endpoint that keeps what it receives.
type shop struct {
	*standin.Server
	t        *testing.T
	url      string
	key      string
	endpoint string

	mu     sync.Mutex
	answer func(n int) int // HTTP status for delivery n, from 1; default 200
	got    []delivered
}

type delivered struct {
	body      []byte
	signature string
	ID        string `json:"id"`
	Type      string `json:"type"`
	CreatedAt string `json:"created_at"`
	StoreID   string `json:"store_id"`
	Data      struct {
		ID      string `json:"id"`
		OrderID string `json:"order_id"`
		Status  string `json:"status"`
	} `json:"data"`
}

func open(t *testing.T, o standin.Options) *shop {
	if o.Run == "" {
		o.Run = "run"
	}
	server, api := testenv.StandIn(t, o)
	s := &shop{Server: server, t: t, key: standin.DefaultKey, url: strings.TrimSuffix(api, "/v1")}
	endpoint := httptest.NewServer(http.HandlerFunc(s.receive))
	t.Cleanup(endpoint.Close)
	s.endpoint = endpoint.URL + "/webhooks/hc"
	return s
}

func (s *shop) receive(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	d := delivered{body: body, signature: r.Header.Get(delivery.SignatureHeader)}
	_ = json.Unmarshal(body, &d)
	s.mu.Lock()
	s.got = append(s.got, d)
	n, answer := len(s.got), s.answer
	s.mu.Unlock()
	if answer != nil {
		w.WriteHeader(answer(n))
	}
}

// deliveries waits until nothing is under way and returns what the endpoint received.
func (s *shop) deliveries() []delivered {
	s.idle()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func (s *shop) idle() {
	ctx, cancel := context.WithTimeout(s.t.Context(), testenv.Patience)
	defer cancel()
	require.NoError(s.t, s.WaitIdle(ctx))
}

// call sends a request with the key and decodes the answer's JSON.
func (s *shop) call(method, path, body string, header ...string) (int, map[string]any) {
	req, err := http.NewRequest(method, s.url+path, bytes.NewReader([]byte(body)))
	require.NoError(s.t, err)
	req.Header.Set("Authorization", "Bearer "+s.key)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	var v map[string]any
	if len(raw) > 0 {
		require.NoError(s.t, json.Unmarshal(raw, &v), "%s", raw)
	}
	return res.StatusCode, v
}

// subscribe registers the endpoint and returns its ID and secret.
func (s *shop) subscribe(events string) (id, secret string) {
	status, w := s.call("POST", "/v1/admin/webhooks", `{"url":"`+s.endpoint+`","events":`+events+`}`)
	require.Equal(s.t, http.StatusCreated, status, "%v", w)
	return w["id"].(string), w["secret"].(string)
}

func (s *shop) place(p standin.Placement) []standin.Order {
	orders, err := s.Place(p)
	require.NoError(s.t, err)
	return orders
}

func (s *shop) faults(f standin.Faults) { require.NoError(s.t, s.SetFaults(f)) }

func types(ds []delivered) (all []string) {
	for _, d := range ds {
		all = append(all, d.Type)
	}
	return all
}

// life is an order from its placement to a return.
var life = []string{"fail_payment", "pay", "process", "fulfill_part", "ship", "ship", "deliver", "complete", "refund_part", "refund", "request_return", "complete_return"}
