package devstack

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// serverAccount is who the server runs as. PostgreSQL refuses to run as root.
type serverAccount struct {
	drop     bool // from root to the account
	name     string
	uid, gid int
}

func serverUser() (serverAccount, error) {
	if os.Getuid() != 0 {
		return serverAccount{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		return serverAccount{true, name, uid, gid}, nil
	}
	return serverAccount{}, fmt.Errorf("PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it as: start this as another user")
}

func (a serverAccount) attr() *syscall.SysProcAttr {
	if !a.drop {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}}
}

// own gives the account a directory.
func (a serverAccount) own(dir string) error {
	if !a.drop {
		return nil
	}
	return os.Chown(dir, a.uid, a.gid)
}

// postgresBin is the directory of the server's programs: those on the machine, newest first, or else downloaded ones.
func postgresBin(ctx context.Context, dir string, account serverAccount, out io.Writer) (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil && isBin(filepath.Dir(path)) {
		return filepath.Dir(path), nil
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", // Debian, Red Hat
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin", // Homebrew
	} {
		found, _ := filepath.Glob(pattern)
		slices.SortFunc(found, func(a, b string) int { return compareVersions(b, a) })
		if i := slices.IndexFunc(found, isBin); i >= 0 {
			return found[i], nil
		}
	}
	return downloadPostgres(ctx, filepath.Join(dir, "postgres-bin"), account, out)
}

func isBin(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// compareVersions orders paths that differ in a version number: shorter numbers first, then by digits.
func compareVersions(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// downloadPostgres fetches the server with embedded-postgres. That library can only fetch by starting a server too, and has
// no answer to root, so this program runs itself once more as the account that may; see Fetch.
func downloadPostgres(ctx context.Context, dir string, account serverAccount, out io.Writer) (string, error) {
	bin := filepath.Join(dir, "bin")
	if isBin(bin) {
		return bin, nil
	}
	fmt.Fprintln(out, "There is no PostgreSQL server on this machine: downloading one (once, about 30 MB) …")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := account.own(dir); err != nil {
		return "", err
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), fetchVariable+"="+dir, "HOME="+dir)
	cmd.SysProcAttr = account.attr()
	cmd.Dir = "/"
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("download PostgreSQL: %w\n%s\nInstall it instead (Debian: apt-get install postgresql; macOS: brew install postgresql), "+
			"or set DATABASE_URL to one that runs", err, text)
	}
	return bin, nil
}

const fetchVariable = "INORDER_FETCH_POSTGRES"

// Fetch does the download and ends the program, if this process was started for it. Programs that call Start call it
// first.
func Fetch() {
	dir := os.Getenv(fetchVariable)
	if dir == "" {
		return
	}
	port, err := Port(0, "", "")
	if err == nil {
		server := embedded.NewDatabase(embedded.DefaultConfig().Port(uint32(port)).BinariesPath(dir).
			RuntimePath(filepath.Join(dir, "run")).DataPath(filepath.Join(dir, "run", "data")).CachePath(filepath.Join(dir, "cache")))
		if err = server.Start(); err == nil {
			err = server.Stop()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
