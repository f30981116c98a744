package stack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// postgresPlaces are where packages install the server's programs. Most packages don't add them to PATH.
var postgresPlaces = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // Red Hat
	"/opt/homebrew/opt/postgresql*/bin",                  // Homebrew on Apple silicon
	"/usr/local/opt/postgresql*/bin",                     // Homebrew on Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",     // Homebrew on Linux
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
}

// find returns the directory of a PostgreSQL that the account can run: from PATH, else the newest in one of postgresPlaces,
// else one in home, which is downloaded once.
func (p *postgres) find(ctx context.Context) (string, error) {
	candidates := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range postgresPlaces {
		found, _ := filepath.Glob(pattern)
		slices.SortFunc(found, func(a, b string) int { return versionIn(b) - versionIn(a) })
		candidates = append(candidates, found...)
	}
	downloaded := filepath.Join(p.home, "postgres-download")
	for _, dir := range append(candidates, filepath.Join(downloaded, "server", "bin")) {
		// PATH may contain a symbolic link; the server's other files are beside its target.
		if real, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres")); err == nil {
			dir = filepath.Dir(real)
		}
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil && majorOf(p.user, dir) != "" {
			return dir, nil
		}
	}
	if err := p.download(ctx, downloaded); err != nil {
		return "", fmt.Errorf("no PostgreSQL found on this machine, and none downloaded: %w\n"+
			"install one (apt-get install postgresql, brew install postgresql), or set DATABASE_URL", err)
	}
	return filepath.Join(downloaded, "server", "bin"), nil
}

var number = regexp.MustCompile(`[0-9]+`)

// versionIn returns the first number in a path, or 0 if there is none.
func versionIn(path string) int {
	n, _ := strconv.Atoi(number.FindString(path))
	return n
}

// majorOf returns the major version of the server in dir, or "" if user can't run it.
func majorOf(user *account, dir string) string {
	out, err := user.command(filepath.Join(dir, "postgres"), "--version").Output() // postgres (PostgreSQL) 15.18
	if err != nil {
		return ""
	}
	_, version, _ := strings.Cut(string(out), ") ")
	return number.FindString(version)
}

// download runs tools/fetchpostgres, which installs a PostgreSQL in dir. It is a separate program so that the user
// that will run the server unpacks what comes from the network, never root.
func (p *postgres) download(ctx context.Context, dir string) error {
	fmt.Fprintln(p.out, "PostgreSQL: none found on this machine, downloading it once: about 30 MB")
	program := dir + ".fetch"
	if err := goBuild(ctx, filepath.Join(p.root, "tools"), program, "./fetchpostgres"); err != nil {
		return err
	}
	defer os.Remove(program)
	if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
		return err
	}
	if err := p.user.own(dir); err != nil {
		return err
	}
	cmd := p.user.command(program, dir)
	cmd.Env = append(cmd.Env, "HOME="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
