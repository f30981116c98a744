package receiver

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
)

// clientOf returns the address that a request comes from. It starts with the peer. As long as the address is a trusted proxy, it goes on to the
// next entry of X-Forwarded-For, from right to left, which that proxy has appended. Entries further left may be forged. Several headers are
// one list, in their order. An entry that isn't an address ends the walk at the proxy that appended it, and so does a list that is folded into a
// second line, because no proxy writes one. Only headers that came before the body count, not trailers.
func clientOf(peer netip.Addr, header []byte, trusted []netip.Prefix) netip.Addr {
	client := peer.Unmap().WithZone("")
	if !isTrusted(client, trusted) {
		return client
	}
	for folded := false; len(header) > 0; {
		at := bytes.LastIndexByte(bytes.TrimSuffix(header, []byte("\n")), '\n') + 1
		line := header[at:]
		header = header[:at]
		if line[0] == ' ' || line[0] == '\t' {
			folded = true
			continue
		}
		list, is := forwardedFor(line)
		if is && folded {
			return client
		}
		folded = false
		for is && len(list) > 0 {
			at := bytes.LastIndexByte(list, ',')
			hop := strings.Trim(string(list[at+1:]), " \t")
			list = list[:max(at, 0)]
			if hop == "" { // a list may have empty elements
				continue
			}
			next, ok := parseHop(hop)
			if !ok {
				return client
			}
			if client = next; !isTrusted(client, trusted) {
				return client
			}
		}
	}
	return client
}

func isTrusted(a netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

var forwardedForName = []byte("x-forwarded-for")

// forwardedFor returns the value of a header line, and reports whether the header is X-Forwarded-For.
func forwardedFor(line []byte) ([]byte, bool) {
	name, value, found := bytes.Cut(line, []byte(":"))
	if !found || !bytes.EqualFold(name, forwardedForName) {
		return nil, false
	}
	return bytes.TrimRight(value, "\r\n"), true
}

// parseHop reads an address as proxies write it: with or without a port, IPv6 with or without brackets.
func parseHop(hop string) (netip.Addr, bool) {
	if len(hop) > 64 {
		return netip.Addr{}, false
	}
	host, port := hop, ""
	if inner, is := strings.CutPrefix(hop, "["); is {
		var closed bool
		if host, port, closed = strings.Cut(inner, "]"); !closed || port != "" && port[0] != ':' {
			return netip.Addr{}, false
		}
		port = strings.TrimPrefix(port, ":")
	} else if strings.Count(hop, ":") == 1 {
		host, port, _ = strings.Cut(hop, ":")
	}
	a, err := netip.ParseAddr(host)
	if err != nil || strings.Trim(port, "0123456789") != "" {
		return netip.Addr{}, false
	}
	return a.Unmap().WithZone(""), true
}
