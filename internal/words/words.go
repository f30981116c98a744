// Package words writes ages, counts and money for people. It has no sentences: those belong to the code that shows them.
package words

import (
	"fmt"
	"strings"
	"time"
)

// Count returns a number of things, such as "1 event", "2 events" and "3 deliveries".
func Count(n int, thing string) string {
	many := thing + "s"
	if strings.HasSuffix(thing, "ry") {
		many = strings.TrimSuffix(thing, "y") + "ies"
	}
	return Phrase(n, thing, many)
}

// Phrase returns a number with what follows it, such as "1 event is" and "2 events are".
func Phrase(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// steps are the units of ages. An age is given in the largest of which it has at least two, or else in seconds.
var steps = []struct {
	unit time.Duration
	name string
}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}}

// Age returns a duration in words, such as "3 minutes". Less than a second is "0 seconds".
func Age(d time.Duration) string {
	d = max(d, 0)
	for _, s := range steps[:len(steps)-1] {
		if d >= 2*s.unit {
			return Count(int(d/s.unit), s.name)
		}
	}
	return Count(int(d/time.Second), "second")
}

// Seconds returns the Age of a number of seconds.
func Seconds(s float64) string { return Age(time.Duration(s * float64(time.Second))) }

// Ago returns when something was, or will be, such as "3 minutes ago" or "in 2 hours"; "just now" within a second.
func Ago(at, now time.Time) string {
	switch d := now.Sub(at); {
	case d.Abs() < time.Second:
		return "just now"
	case d < 0:
		return "in " + Age(-d)
	default:
		return Age(d) + " ago"
	}
}

// decimals has the currencies whose minor unit is not a hundredth, by ISO 4217. CLDR, the data of golang.org/x/text/currency, would
// not do: it has how currencies are shown in practice, without decimals for many that have minor units, such as COP and IQD.
var decimals = map[int]string{
	0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
	3: "BHD IQD JOD KWD LYD OMR TND",
	4: "CLF UYW",
}

// Money returns an amount of minor units with its currency, such as "12.50 USD", "52000 KRW" and "1.250 KWD". Without a currency it says
// that the units are minor ones.
func Money(amount int64, currency string) string {
	if currency == "" {
		return fmt.Sprintf("%d minor units", amount)
	}
	n := decimalsOf(strings.ToUpper(currency))
	if n == 0 {
		return fmt.Sprintf("%d %s", amount, currency)
	}
	digits, sign := fmt.Sprintf("%0*d", n+1, amount), ""
	if amount < 0 {
		digits, sign = fmt.Sprintf("%0*d", n+1, -uint64(amount)), "-"
	}
	return sign + digits[:len(digits)-n] + "." + digits[len(digits)-n:] + " " + currency
}

func decimalsOf(currency string) int {
	for n, list := range decimals {
		if len(currency) == 3 && strings.Contains(list, currency) {
			return n
		}
	}
	return 2
}
