package webhooks

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"inorder"
	"inorder/internal/delivery"
)

// CheckURL returns the URL that a webhook delivers to, and adds our receivers' path if the text has none. Its error says what is
// wrong. The platform delivers only to https; http is allowed for a stand-in on this machine.
func CheckURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Fragment != "":
		return "", fmt.Errorf("%q is not a URL that deliveries can go to; for example https://shop.example.com%s", text, delivery.Path)
	case u.User != nil: // not shown: it may hold a password
		return "", fmt.Errorf("a URL with a user or password would be kept and shown by the platform: leave it out; the signature authenticates deliveries")
	case u.Scheme != "https" && (u.Scheme != "http" || !IsLoopback(u.Hostname())):
		return "", fmt.Errorf("%q is not https, and the platform delivers only to https: use https://…", text)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = delivery.Path
	}
	return u.String(), nil
}

// IsLoopback reports whether a host name leads to this machine.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// OrderEvents returns all known event types that are about orders.
func OrderEvents() []string {
	return slices.DeleteFunc(inorder.EventTypes(), func(t string) bool { return !inorder.IsAboutOrders(t) })
}

// CheckEvents returns an error if there are no events, or one that names the first unknown event type and suggests similar ones.
// The list of known types is open, so a person may know better.
func CheckEvents(events []string) error {
	if len(events) == 0 {
		return errors.New("no event is named; for example order.created,order.paid or '*' for all")
	}
	known := inorder.EventTypes()
	for _, e := range events {
		switch {
		case e == "*" || slices.Contains(known, e):
		case strings.HasSuffix(e, ".*"):
			return fmt.Errorf("%q: it is not documented that the platform accepts a whole family; name its events, or use '*' for all; --force sends it as it is", e)
		default:
			hint := ";"
			if near := near(e, known); len(near) > 0 {
				hint = "; did you mean " + strings.Join(near, " or ") + "?"
			}
			return fmt.Errorf("%q is not an event that the platform is known to have%s `inorder send --list` lists them; --force sends it as it is", e, hint)
		}
	}
	return nil
}

// near returns the known names that are closest to a name, at a distance of three at most.
func near(name string, known []string) (nearest []string) {
	least := 3
	for _, k := range known {
		switch d := distance(strings.ToLower(name), k); {
		case d < least:
			least, nearest = d, []string{k}
		case d == least:
			nearest = append(nearest, k)
		}
	}
	return nearest
}

// distance returns how many letters must be inserted, deleted or replaced to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
