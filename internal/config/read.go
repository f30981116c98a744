package config

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"inorder/internal/delivery"
	"inorder/internal/platform"
	"inorder/internal/retention"
)

// reader reads variables and collects what is wrong with them. Each method returns the default for a variable that is not set.
// For a malformed one it notes the problem; an integer or a duration is then zero.
type reader struct {
	env      environment
	problems []string
}

// environment is that of the process, or of a test. It implements envconfig.EnvLookup.
type environment struct {
	lookup func(string) (string, bool)
	all    func() []string
}

// LookupEnv reports an empty variable as not set.
func (e environment) LookupEnv(name string) (string, bool) {
	value, _ := e.lookup(name)
	return value, value != ""
}

func (e environment) Environ() []string { return e.all() }

func (r *reader) text(name, fallback string) string {
	if value, set := r.env.LookupEnv(name); set {
		return value
	}
	return fallback
}

func (r *reader) oneOf(name string, values ...string) string {
	value := r.text(name, values[0])
	if !slices.Contains(values, value) {
		r.problem(name, "%q is not one of %s; for example %s", value, strings.Join(values, ", "), values[0])
	}
	return value
}

func (r *reader) flag(name string) bool {
	switch value := r.text(name, "false"); strings.ToLower(value) {
	case "true", "1":
		return true
	case "false", "0":
	default:
		r.problem(name, "%q is neither true nor false; for example true", value)
	}
	return false
}

func (r *reader) duration(name string, fallback time.Duration) time.Duration {
	value, set := r.env.LookupEnv(name)
	if !set {
		return fallback
	}
	d, err := time.ParseDuration(value)
	switch {
	case err != nil:
		r.problem(name, "%q is not a duration; write it in h, m and s, for example %s", value, retention.Short(fallback))
		return 0
	case d <= 0:
		r.problem(name, "%q must be greater than zero, for example %s", value, retention.Short(fallback))
		return 0
	}
	return d
}

// orForEver reads a duration that may be 0, which means for ever.
func (r *reader) orForEver(name string, fallback time.Duration) time.Duration {
	switch r.text(name, "") {
	case "":
		return fallback
	case "0":
		return 0
	}
	return r.duration(name, 8760*time.Hour)
}

func (r *reader) integer(name string, fallback, least, most int) int {
	value, set := r.env.LookupEnv(name)
	if !set {
		return fallback
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		r.problem(name, "%q is not a whole number from %d to %d, for example %d", value, least, most, fallback)
		return 0
	}
	return n
}

func (r *reader) address(name, fallback string) string {
	value := r.text(name, fallback)
	if !isAddress(value) {
		r.problem(name, "%q is not host:port, for example %s", value, fallback)
	}
	return value
}

// isAddress reports whether the text is host:port. The host may be empty, which means every interface.
func isAddress(value string) bool {
	_, port, err := net.SplitHostPort(value)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n <= 65535
}

// prefixes reads a comma-separated list of networks. A single address counts as a network, and IPv4-mapped IPv6 as IPv4.
func (r *reader) prefixes(name string) (list []netip.Prefix) {
	value, set := r.env.LookupEnv(name)
	if !set {
		return nil
	}
	const example = "; separate networks by single commas, for example 10.0.0.0/8,2001:db8::/32"
	for _, text := range strings.Split(value, ",") {
		text = strings.TrimSpace(text)
		p, err := parsePrefix(text)
		switch {
		case err != nil:
			r.problem(name, "%q is neither an address nor a network"+example, text)
		case p.Masked() != p:
			r.problem(name, "%q has bits set beyond its prefix length: %s may be what you mean"+example, text, p.Masked())
		case p.Bits() == 0:
			r.problem(name, "%q trusts every address, so anybody could forge X-Forwarded-For"+example, text)
		default:
			list = append(list, p)
		}
	}
	return list
}

func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err == nil && p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, errors.New("it covers more than IPv4")
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, err
}

func (r *reader) webURL(name, fallback string) string {
	value := r.text(name, fallback)
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		// The value is not shown: it may hold a password.
		r.problem(name, "it must be an http or https URL without a user, for example %s", fallback)
	}
	return strings.TrimRight(value, "/")
}

// link reads a URL that may be missing.
func (r *reader) link(name, example string) string {
	if _, set := r.env.LookupEnv(name); !set {
		return ""
	}
	return r.webURL(name, example)
}

// secrets reads a comma-separated list. Blanks around a secret don't belong to it. An empty entry is a problem, most likely a
// lost secret, and so is one that can't be a secret.
func (r *reader) secrets(name string, need Need) []string {
	value, set := r.env.LookupEnv(name)
	if !set {
		r.missingSecrets(name, need)
		return nil
	}
	list := strings.Split(value, ",")
	for i, secret := range list {
		list[i] = strings.TrimSpace(secret)
		if list[i] == "" {
			r.problem(name, "entry %d of %d is empty; separate the secrets by single commas, for example whsec_new,whsec_old", i+1, len(list))
		} else if err := delivery.CheckSecret(list[i]); err != nil {
			r.problem(name, "entry %d of %d cannot be a secret: %v; for example whsec_new,whsec_old", i+1, len(list), err)
		}
	}
	return list
}

func (r *reader) missingSecrets(name string, need Need) {
	_, file := r.env.LookupEnv("WEBHOOK_SECRETS_FILE")
	_, table := r.env.LookupEnv("DATABASE_URL")
	switch {
	case need&NeedSigner != 0:
		r.problem(name, "it is not set; it takes the signing secrets of the webhooks, separated by commas, for example whsec_new,whsec_old")
	case need&NeedSecrets != 0 && !file && !table:
		r.problem(name, "no webhook secret is configured: set this, for example to whsec_new,whsec_old; or WEBHOOK_SECRETS_FILE, to a file that holds one a line; "+
			"or DATABASE_URL, where `inorder hooks register` keeps them")
	}
}

// key reads an API key. No problem shows it.
func (r *reader) key(name string, needed bool) platform.Secret {
	key := platform.Secret(r.text(name, ""))
	switch {
	case key == "" && needed:
		r.problem(name, "it is not set; it takes a secret key of the platform, for example sk_test_…")
	case key != "" && platform.CheckKey(key) != nil:
		r.problem(name, "%v", platform.CheckKey(key))
	}
	return key
}

// token reads a token of the admin API. No problem shows it.
func (r *reader) token(name string, needed bool) string {
	token := r.text(name, "")
	if token == "" && needed {
		r.problem(name, "it is not set; it takes a token of the admin API at ADMIN_URL: the server's own ADMIN_TOKEN, or one of its ADMIN_TOKENS_FILE; "+
			"after make run with: set -a; . .dev/env; set +a")
	}
	return token
}

func (r *reader) level(name string) (level slog.Level) {
	_ = level.UnmarshalText([]byte(r.oneOf(name, "info", "debug", "warn", "error"))) // else oneOf has noted the problem
	return level
}
