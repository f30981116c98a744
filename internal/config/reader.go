package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// reader reads settings and collects what is wrong with them. An empty variable counts as not set.
type reader struct {
	lookup   func(string) (string, bool)
	problems []string
}

func (r *reader) problem(name, text string) { r.problems = append(r.problems, name+" "+text) }

func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return &Error{r.problems}
}

func (r *reader) text(name, standard string) string {
	if value, _ := r.lookup(name); value != "" {
		return value
	}
	return standard
}

func (r *reader) duration(name string, standard time.Duration) time.Duration {
	value := r.text(name, standard.String())
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		r.problem(name, fmt.Sprintf("is %q, which is not a duration above zero: write for example %s (units h, m, s)", value, standard))
		return standard
	}
	return d
}

func (r *reader) integer(name string, standard, least, most int) int {
	value := r.text(name, strconv.Itoa(standard))
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		r.problem(name, fmt.Sprintf("is %q, which is not a whole number from %d to %d: write for example %d", value, least, most, standard))
		return standard
	}
	return n
}

// oneOf reads one of a few words; the first is the default.
func (r *reader) oneOf(name string, words ...string) string {
	value := r.text(name, words[0])
	if !slices.Contains(words, value) {
		r.problem(name, fmt.Sprintf("is %q: write one of %s", value, strings.Join(words, ", ")))
		return words[0]
	}
	return value
}

func (r *reader) addr(name, standard string) string {
	value := r.text(name, standard)
	_, port, err := net.SplitHostPort(value)
	if n, e := strconv.ParseUint(port, 10, 16); err != nil || e != nil || n > 65535 {
		r.problem(name, fmt.Sprintf("is %q, which is not host:port: write for example %s", value, standard))
	}
	return value
}

func (r *reader) httpURL(name, standard string) string {
	value := r.text(name, standard)
	if u, err := url.Parse(value); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		r.problem(name, fmt.Sprintf("is not an http(s) URL without a user in it: write for example %s", standard))
	}
	return strings.TrimSuffix(value, "/")
}

func (r *reader) secrets(name string, needed bool) []string {
	value := r.text(name, "")
	if value == "" {
		if needed {
			r.problem(name, "is not set: write the secret that the platform showed when the webhook was created, or several separated by commas")
		}
		return nil
	}
	secrets := strings.Split(value, ",")
	for i, s := range secrets {
		if secrets[i] = strings.TrimSpace(s); secrets[i] == "" {
			r.problem(name, fmt.Sprintf("has an empty secret in place %d: write secrets separated by single commas", i+1))
		}
	}
	return secrets
}

// defaultConns is the pool's size unless the URL has pool_max_conns: how many events one worker applies at once.
const defaultConns = 16

func (r *reader) database(name string, needed bool) *pgxpool.Config {
	value := r.text(name, "")
	if value == "" {
		if needed {
			r.problem(name, "is not set: write for example postgres://user:password@127.0.0.1:5432/inorder")
		}
		return nil
	}
	c, err := pgxpool.ParseConfig(value)
	if err != nil { // its text may quote the password
		r.problem(name, "is not a PostgreSQL URL: write for example postgres://user:password@127.0.0.1:5432/inorder")
		return nil
	}
	if !strings.Contains(value, "pool_max_conns") {
		c.MaxConns = defaultConns
	}
	return c
}
