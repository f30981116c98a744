package webhooks

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"inorder/internal/delivery"
)

// CheckURL returns the URL that a webhook delivers to, with our receivers' path if the text has none, or an error that says what is
// wrong with it. The platform delivers to https only; http is for a stand-in on this machine.
func CheckURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Fragment != "":
		return "", fmt.Errorf("%q is not a URL that deliveries can go to; for example https://shop.example.com%s", text, delivery.Path)
	case u.User != nil: // not shown: it may hold a password
		return "", fmt.Errorf("a URL with a user or password would be kept and shown by the platform: leave it out; the signature authenticates deliveries")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return "", fmt.Errorf("%q is not https, and the platform delivers to nothing else: write https://…", text)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = delivery.Path
	}
	return u.String(), nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
