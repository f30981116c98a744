package refused

import (
	"testing"

	"inorder/internal/delivery"
)

// BenchmarkExplain measures the longest search: for a signature that no known secret made.
func BenchmarkExplain(b *testing.B) {
	d := of(body, delivery.SignatureHeader, delivery.Sign("whsec_stranger", []byte(body)))
	b.ReportAllocs()
	work := 0
	for b.Loop() {
		_, work = explain(d, Secrets{Keys: keys})
	}
	b.ReportMetric(float64(work), "work")
}
