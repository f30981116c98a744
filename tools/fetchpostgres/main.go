// Command fetchpostgres downloads PostgreSQL's programs for this system into the directory of its only argument:
// DIR/server/bin/postgres and the rest. POSTGRES_BINARIES_URL names a mirror of https://repo1.maven.org/maven2.
// Run it as the user that will run the server, not as root.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: fetchpostgres DIR")
		os.Exit(2)
	}
	if err := fetch(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "fetchpostgres:", err)
		os.Exit(1)
	}
}

// fetch starts and stops a server, because the library downloads only then. This also proves that the programs work.
func fetch(dir string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return err
	}
	trial := filepath.Join(dir, "trial")
	defer os.RemoveAll(trial)
	config := embeddedpostgres.DefaultConfig().
		Version(embeddedpostgres.V17).
		Port(uint32(port)).
		CachePath(filepath.Join(dir, "cache")).
		BinariesPath(filepath.Join(dir, "server")). // not dir itself, because the library unpacks beside this directory
		RuntimePath(trial).
		Logger(io.Discard).
		StartParameters(map[string]string{"listen_addresses": "127.0.0.1", "unix_socket_directories": ""})
	if url := os.Getenv("POSTGRES_BINARIES_URL"); url != "" {
		config = config.BinaryRepositoryURL(url)
	}
	server := embeddedpostgres.NewDatabase(config)
	if err := server.Start(); err != nil {
		return err
	}
	return server.Stop()
}
