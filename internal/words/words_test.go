package words

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAges(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 seconds", 0: "0 seconds", time.Second: "1 second", 119 * time.Second: "119 seconds", 2 * time.Minute: "2 minutes",
		119 * time.Minute: "119 minutes", 2 * time.Hour: "2 hours", 47 * time.Hour: "47 hours", 48 * time.Hour: "2 days", 400 * 24 * time.Hour: "400 days",
	} {
		require.Equal(t, want, Age(d))
	}
	require.Equal(t, "90 seconds", Seconds(90.4))
	now := time.Now()
	require.Equal(t, "3 minutes ago", Ago(now.Add(-3*time.Minute), now))
	require.Equal(t, "in 2 hours", Ago(now.Add(2*time.Hour), now))
	require.Equal(t, "just now", Ago(now, now))
}

func TestMoneyHasTheDecimalsOfItsCurrency(t *testing.T) {
	for want, m := range map[string]struct {
		amount   int64
		currency string
	}{
		"52000 KRW": {52000, "KRW"}, "-52000 JPY": {-52000, "JPY"}, "12.50 USD": {1250, "USD"}, "0.05 EUR": {5, "EUR"}, "-0.05 EUR": {-5, "EUR"},
		"1.250 KWD": {1250, "KWD"}, "-0.001 kwd": {-1, "kwd"}, "0.0001 CLF": {1, "CLF"}, "1.00 COP": {100, "COP"}, "7 minor units": {7, ""},
		"0.00 USD": {0, "USD"}, "-92233720368547758.08 USD": {math.MinInt64, "USD"}, "0.01 R": {1, "R"},
	} {
		require.Equal(t, want, Money(m.amount, m.currency))
	}
}

func TestCount(t *testing.T) {
	require.Equal(t, "1 event", Count(1, "event"))
	require.Equal(t, "0 events", Count(0, "event"))
}
