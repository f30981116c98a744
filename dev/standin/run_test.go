package standin_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"inorder/dev/standin"
)

func TestRunServesUntilItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- standin.Run(ctx, standin.RunOptions{Addr: "127.0.0.1:0", Ready: func(url string) { ready <- url }})
	}()
	url := <-ready
	res, err := http.Get(url + "/_standin/state")
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)

	err = standin.Run(ctx, standin.RunOptions{Addr: strings.TrimPrefix(url, "http://")})
	require.ErrorContains(t, err, "stop what uses it or choose another address")
	stop()
	require.NoError(t, <-ended)
}

func TestRunRefusesFaultsThatCannotBe(t *testing.T) {
	err := standin.Run(t.Context(), standin.RunOptions{Addr: "127.0.0.1:0", Options: standin.Options{Faults: standin.Faults{Drop: standin.Fault{Share: 5}}}})
	require.ErrorContains(t, err, "share must be from 0 to 1")
}

func TestTheControlAPI(t *testing.T) {
	s := open(t, standin.Options{RetryDelays: []time.Duration{time.Hour}})
	id, _ := s.subscribe(`["order.created"]`)
	status, v := s.call("POST", "/_standin/orders", `{"count":2,"actions":["pay"]}`)
	require.Equal(t, http.StatusOK, status)
	require.Len(t, v["orders"], 2)
	status, v = s.call("POST", "/_standin/wait?timeout=4m", "")
	require.Equal(t, http.StatusOK, status)
	require.EqualValues(t, 2, v["delivered"])
	_, v = s.call("GET", "/_standin/deliveries", "")
	require.Len(t, v["deliveries"], 2)
	_, v = s.call("GET", "/_standin/orders", "")
	require.Len(t, v["orders"], 2)

	status, _ = s.call("PUT", "/_standin/faults", `{"seed":1,"drop":{"next":1}}`)
	require.Equal(t, http.StatusOK, status)
	s.call("POST", "/_standin/orders", "")
	_, v = s.call("GET", "/_standin/state", "")
	require.EqualValues(t, 1, v["dropped"])

	s.answer = func(int) int { return 500 }
	s.call("POST", "/_standin/orders", "")
	status, v = s.call("POST", "/_standin/wait?timeout=50ms", "")
	require.Equal(t, http.StatusGatewayTimeout, status, "%v", v)

	status, _ = s.call("POST", "/_standin/webhooks/"+id+"/deactivate", "")
	require.Equal(t, http.StatusOK, status)
	for _, path := range []string{"/_standin/webhooks/wh_none/deactivate", "/_standin/orders/ord_none/pay", "/_standin/nothing"} {
		status, _ = s.call("POST", path, "")
		require.Equal(t, http.StatusNotFound, status)
	}
}

func TestNoKeyOrSecretInTheLog(t *testing.T) {
	s := open(t, standin.Options{})
	_, secret := s.subscribe(`["*"]`)
	s.place(standin.Placement{})
	s.idle()
	res, err := http.Get(s.url + "/_standin/deliveries")
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NotContains(t, string(raw), secret)
	require.NotContains(t, string(raw), s.key)
}
