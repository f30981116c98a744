package receiver

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var hops = map[string]struct {
	peer  string
	lists []string
	want  string
}{
	"nobody before it":                {"203.0.113.7", nil, "203.0.113.7"},
	"a stranger who makes it up":      {"203.0.113.7", []string{"198.51.100.1"}, "203.0.113.7"},
	"behind one proxy":                {"10.0.0.1", []string{"198.51.100.1"}, "198.51.100.1"},
	"a stranger behind one proxy":     {"10.0.0.1", []string{"192.0.2.66, 198.51.100.1"}, "198.51.100.1"},
	"behind two":                      {"10.0.0.1", []string{"192.0.2.66, 198.51.100.1, 10.2.0.1"}, "198.51.100.1"},
	"in several headers":              {"10.0.0.1", []string{"192.0.2.66", "198.51.100.1", "10.2.0.1,10.2.0.2"}, "198.51.100.1"},
	"all are proxies":                 {"10.0.0.1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
	"a proxy that tells nothing":      {"10.0.0.1", nil, "10.0.0.1"},
	"an empty list":                   {"10.0.0.1", []string{""}, "10.0.0.1"},
	"empty elements":                  {"10.0.0.1", []string{"198.51.100.1, ,", ", "}, "198.51.100.1"},
	"garbage":                         {"10.0.0.1", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
	"garbage further left":            {"10.0.0.1", []string{"<script>, 10.0.0.2"}, "10.0.0.2"},
	"a name":                          {"10.0.0.1", []string{"localhost"}, "10.0.0.1"},
	"a number":                        {"10.0.0.1", []string{"3232235777"}, "10.0.0.1"},
	"an octet too large":              {"10.0.0.1", []string{"1.2.3.256"}, "10.0.0.1"},
	"very long":                       {"10.0.0.1", []string{strings.Repeat("1", 5000)}, "10.0.0.1"},
	"a port":                          {"10.0.0.1", []string{"198.51.100.1:4711"}, "198.51.100.1"},
	"a port that is none":             {"10.0.0.1", []string{"198.51.100.1:x"}, "10.0.0.1"},
	"IPv6":                            {"10.0.0.1", []string{"2001:db8::7"}, "2001:db8::7"},
	"IPv6 in brackets":                {"10.0.0.1", []string{"[2001:db8::7]"}, "2001:db8::7"},
	"IPv6 in brackets with a port":    {"10.0.0.1", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
	"brackets that are not closed":    {"10.0.0.1", []string{"[2001:db8::7"}, "10.0.0.1"},
	"something after the brackets":    {"10.0.0.1", []string{"[2001:db8::7]4711"}, "10.0.0.1"},
	"IPv6 with a zone":                {"10.0.0.1", []string{"fe80::1%eth0"}, "fe80::1"},
	"IPv4 written as IPv6":            {"10.0.0.1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
	"a proxy written as IPv6":         {"10.0.0.1", []string{"198.51.100.1, ::ffff:10.0.0.2"}, "198.51.100.1"},
	"a peer written as IPv6":          {"::ffff:10.0.0.1", []string{"198.51.100.1"}, "198.51.100.1"},
	"a proxy in IPv6":                 {"2001:db8:1::5", []string{"198.51.100.1, [2001:db8:1::6]:80"}, "198.51.100.1"},
	"a list in two lines":             {"10.0.0.1", []string{"192.0.2.66,\r\n 198.51.100.1"}, "10.0.0.1"},
	"a list in two lines, and a tab":  {"10.0.0.1", []string{"192.0.2.66\r\n\t, 10.0.0.2", "10.0.0.3"}, "10.0.0.3"},
	"the name in another case":        {"10.0.0.1", []string{"x-FORWARDED-for"}, "198.51.100.9"},
	"another header that looks alike": {"10.0.0.1", []string{"not"}, "10.0.0.1"},
}

func TestTheClientIsWhoTheTrustedProxiesSayItIs(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for name, c := range hops {
		t.Run(name, func(t *testing.T) {
			var h strings.Builder
			h.WriteString("Host: localhost\r\nX-Forwarded-Host: 192.0.2.1\r\n")
			for _, list := range c.lists {
				switch list {
				case "x-FORWARDED-for":
					h.WriteString("x-FORWARDED-for:198.51.100.9\r\n")
				case "not":
					h.WriteString("X-Forwarded-For-Not: 198.51.100.9\r\n X-Forwarded-For: 198.51.100.9\r\n")
				default:
					h.WriteString("X-Forwarded-For: " + list + "\r\n")
				}
			}
			h.WriteString("Content-Length: 3\r\n\r\n")
			require.Equal(t, c.want, clientOf(netip.MustParseAddr(c.peer), []byte(h.String()), trusted).String())
		})
	}
	require.False(t, clientOf(netip.Addr{}, nil, trusted).IsValid())
}

func FuzzClientOf(f *testing.F) {
	f.Add([]byte("X-Forwarded-For: [::1]:1, 10.0.0.1\r\n"))
	f.Add([]byte("X-Forwarded-For:,\n:\r\n"))
	peer, trusted := netip.MustParseAddr("10.0.0.1"), []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, header []byte) {
		a := clientOf(peer, header, trusted)
		require.True(t, a.IsValid() && a == a.Unmap().WithZone(""))
	})
}
