package secrets

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"inorder/internal/delivery"
)

func TestMetricsSayWhenEachSecretWasOfUse(t *testing.T) {
	path, at := filepath.Join(t.TempDir(), "secrets"), &clock{noon}
	write(t, path, "whsec_file\nwhsec_old 2026-01-02T12:00:01Z\n")
	k, _ := newRing(t, Options{Secrets: []string{"whsec_env"}, File: path, Now: at.now})
	for range 2 {
		require.True(t, k.takes("whsec_env"))
	}
	require.False(t, k.takes("whsec_other"))
	at.Time = noon.Add(time.Second)
	require.NoError(t, testutil.CollectAndCompare(k, strings.NewReader(fmt.Sprintf(`
# HELP inorder_secret_last_verified_timestamp_seconds When the secret last verified a delivery, here or at a receiver that shares the table; 0 if never. There is one series for each valid secret.
# TYPE inorder_secret_last_verified_timestamp_seconds gauge
inorder_secret_last_verified_timestamp_seconds{secret=%[1]q,source="WEBHOOK_SECRETS"} %[3]d
inorder_secret_last_verified_timestamp_seconds{secret=%[2]q,source="WEBHOOK_SECRETS_FILE"} 0
# HELP inorder_secret_verified_total Deliveries that this process verified with the secret.
# TYPE inorder_secret_verified_total counter
inorder_secret_verified_total{secret=%[1]q,source="WEBHOOK_SECRETS"} 2
inorder_secret_verified_total{secret=%[2]q,source="WEBHOOK_SECRETS_FILE"} 0
`, Name("whsec_env"), Name("whsec_file"), noon.Unix()))))
}

func TestVerifyAllocatesNoMoreThanTheSignature(t *testing.T) {
	k, _ := newRing(t, Options{Secrets: []string{"whsec_one"}})
	signature := delivery.Sign("whsec_one", body)
	alone := testing.AllocsPerRun(100, func() { delivery.Verify("whsec_one", body, signature) })
	require.Equal(t, alone, testing.AllocsPerRun(100, func() { k.Verify(body, signature) }))
}

// For the race detector: deliveries and scrapes while the ring changes.
func TestVerifyWhileItChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	write(t, path, "whsec_file\n")
	k, _ := newRing(t, Options{Secrets: []string{"whsec_env"}, File: path})
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for range 500 {
				if !k.takes("whsec_env") {
					t.Error("refused")
				}
				testutil.CollectAndCount(k)
			}
		})
	}
	for i := range 100 {
		write(t, path, fmt.Sprintf("whsec_%d\n", i/2))
		k.poll(t.Context())
	}
	senders.Wait()
}
