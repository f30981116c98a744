package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"inorder/dev/stack"
)

// ports are our own settings whose names begin like Temporal's.
var ports = []string{"TEMPORAL_PORT", "TEMPORAL_UI_PORT"}

// settings says where everything is, from the environment or the defaults.
type settings struct {
	dir     string // of all state
	inorder string // the program

	standInProgram string // the program of the stand-in, or empty for none
	standInAddr    string

	listenAddr, adminAddr              string
	adminToken, secrets                string
	databaseURL                        string // of a PostgreSQL that somebody else runs; empty: dev runs one
	postgresPort, temporalPort, uiPort int
}

func newSettings(dir, inorder, standIn string) (settings, error) {
	s := settings{
		listenAddr:  cmp.Or(os.Getenv("LISTEN_ADDR"), "127.0.0.1:3000"),
		adminAddr:   cmp.Or(os.Getenv("ADMIN_ADDR"), "127.0.0.1:3001"),
		standInAddr: cmp.Or(os.Getenv("STANDIN_ADDR"), "127.0.0.1:3002"),
		databaseURL: os.Getenv("DATABASE_URL"),
	}
	var errs [9]error
	s.dir, errs[0] = filepath.Abs(dir)
	s.inorder, errs[1] = filepath.Abs(inorder)
	if _, err := os.Stat(s.inorder); err != nil {
		errs[2] = fmt.Errorf("%w: run make build first", err)
	}
	s.postgresPort, errs[3] = port("POSTGRES_PORT", 5433)
	s.temporalPort, errs[4] = port("TEMPORAL_PORT", 7233)
	s.uiPort, errs[5] = port("TEMPORAL_UI_PORT", 8233)
	s.standInProgram, errs[8] = chosenStandIn(standIn)
	if err := errors.Join(append(errs[:], checkAddress("LISTEN_ADDR", s.listenAddr), checkAddress("ADMIN_ADDR", s.adminAddr), checkAddress("STANDIN_ADDR", s.standInAddr),
		os.MkdirAll(s.dir, 0o711))...); err != nil {
		return s, err
	}
	s.secrets, errs[6] = kept("WEBHOOK_SECRETS", filepath.Join(s.dir, "webhook.secret"), "whsec_")
	s.adminToken, errs[7] = kept("ADMIN_TOKEN", filepath.Join(s.dir, "admin.token"), "")
	return s, errors.Join(errs[:]...)
}

func port(name string, standard int) (int, error) {
	text := cmp.Or(os.Getenv(name), strconv.Itoa(standard))
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%s is %q and must be a port, or 0 for a free one", name, text)
	}
	return int(n), nil
}

func checkAddress(name, addr string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("%s is %q and must be host:port, such as 127.0.0.1:3000", name, addr)
	}
	return nil
}

// kept returns the environment's value, or else a random one, which is created once and kept in the file.
func kept(name, file, prefix string) (string, error) {
	if value := os.Getenv(name); value != "" {
		return value, nil
	}
	return stack.KeptSecret(file, prefix)
}

func (s settings) options() stack.Options {
	o := stack.Options{
		Dir: s.dir, DatabaseURL: s.databaseURL, Out: os.Stdout,
		PostgresPort: s.postgresPort, TemporalPort: s.temporalPort, UIPort: s.uiPort,
		Others: []stack.Address{
			{Addr: s.listenAddr, Who: "the receiver", Setting: "LISTEN_ADDR"},
			{Addr: s.adminAddr, Who: "inorder's admin API", Setting: "ADMIN_ADDR"},
		},
	}
	if s.standInProgram != "" {
		o.Others = append(o.Others, stack.Address{Addr: s.standInAddr, Who: "the stand-in", Setting: "STANDIN_ADDR"})
	}
	return o
}

// env returns the environment of inorder's commands: our own, from which main has removed all that leads to other servers,
// and the addresses of the system.
func (s settings) env(servers *stack.Stack) []string {
	env := os.Environ()
	for _, v := range append(s.platformEnv(), clientEnv(servers)...) {
		env = append(env, v[0]+"="+v[1])
	}
	return append(env, "LISTEN_ADDR="+s.listenAddr, "ADMIN_ADDR="+s.adminAddr, "ADMIN_TOKEN="+s.adminToken, "WEBHOOK_SECRETS="+s.secrets,
		"ADMIN_URL="+reach(s.adminAddr), "TEMPORAL_UI_URL="+servers.TemporalUIURL)
}

// clientEnv returns the variables by which a client finds the servers, without any profile of the developer's.
func clientEnv(servers *stack.Stack) [][2]string {
	return [][2]string{
		{"DATABASE_URL", servers.DatabaseURL},
		{"TEMPORAL_ADDRESS", servers.TemporalAddress},
		{"TEMPORAL_NAMESPACE", "default"},
		{"TEMPORAL_CONFIG_FILE", os.DevNull},
	}
}

func (s settings) envFile() string     { return filepath.Join(s.dir, "env") }
func (s settings) receiverURL() string { return reach(s.listenAddr) }

// reach returns the URL by which this machine reaches a server that listens on addr.
func reach(addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
