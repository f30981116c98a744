package listen

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Machine is who registers webhooks: a user of a machine, and the directory of that user's locks. The kernel frees a lock when
// its process ends, however that ends: whoever has the lock of a name knows that every earlier Run of that name is dead.
type Machine struct {
	Owner string // user@host
	ID    string // random, and kept beside the locks: user@host alone may be the same in two containers, which share no locks
	dir   string
	host  string
}

// DefaultDir returns the directory of a user's locks.
func DefaultDir() string {
	dir, err := os.UserCacheDir()
	if err != nil { // no home
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("user-%d", os.Getuid()))
	}
	return filepath.Join(dir, "inorder")
}

// ThisMachine returns this machine, with its locks in dir. On first use it creates the machine's ID.
func ThisMachine(dir string) (Machine, error) {
	m := Machine{Owner: Owner(), dir: dir}
	_, m.host, _ = strings.Cut(m.Owner, "@")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return m, fmt.Errorf("create a directory for locks: %w", err)
	}
	id, err := machineID(filepath.Join(dir, "machine-"+m.host))
	if err != nil {
		return m, fmt.Errorf("read or create this machine's ID: %w", err)
	}
	m.ID = unusual.ReplaceAllString(id, "")
	return m, nil
}

// machineID reads the ID from a file, and writes a new one if the file is missing or empty. Two processes get the same one.
func machineID(file string) (string, error) {
	lock := flock.New(file + ".lock")
	if err := lock.Lock(); err != nil {
		return "", err
	}
	defer lock.Close()
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	id := strings.TrimSpace(string(text))
	if id == "" {
		id = strings.ToLower(rand.Text()[:10])
		err = os.WriteFile(file, []byte(id), 0o600)
	}
	return id, err
}

// Owner returns user@host, with _ for characters that don't fit into file names, metadata and records.
func Owner() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return unusual.ReplaceAllString(name, "_") + "@" + unusual.ReplaceAllString(host, "_")
}

var (
	unusual = regexp.MustCompile(`[^A-Za-z0-9._-]`)
	names   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,40}$`)
)

// CheckName returns an error if a text cannot be the name of a Run.
func CheckName(name string) error {
	if !names.MatchString(name) {
		return fmt.Errorf("--name %q must be 1 to 40 letters, digits, dots, dashes and underscores", name)
	}
	return nil
}

// file returns the path of a name's file in the directory of locks. The name must have passed CheckName.
func (m Machine) file(name, extension string) string {
	return filepath.Join(m.dir, "listen-"+m.host+"-"+name+extension)
}

// try takes the lock of a name if it is free, and reports whether it was.
func (m Machine) try(name string) (unlock func(), free bool, err error) {
	if !names.MatchString(name) { // it is from metadata that somebody else wrote
		return nil, false, nil
	}
	l := flock.New(m.file(name, ".lock"))
	free, err = l.TryLock()
	if err != nil {
		return nil, false, fmt.Errorf("lock %s: %w", l.Path(), err)
	}
	return func() { _ = l.Close() }, free, nil
}

// lockPatience is how long lock waits for a Run that is just ending.
const lockPatience = 5 * time.Second

// lock takes the lock of a name. It fails if another process keeps it for longer than lockPatience.
func (m Machine) lock(ctx context.Context, name string) (unlock func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	l := flock.New(m.file(name, ".lock"))
	_, err = l.TryLockContext(waiting, 100*time.Millisecond)
	switch {
	case err == nil:
		return func() { _ = l.Close() }, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case waiting.Err() != nil:
		return nil, fmt.Errorf("another `inorder listen` named %q is running: stop it, or give this one a --name of its own", name)
	}
	return nil, fmt.Errorf("lock %s: %w", l.Path(), err)
}

// noteAlive records when the Run of a name was last alive. A failure is ignored: then nothing is caught up automatically.
func (m Machine) noteAlive(name string, at time.Time) {
	_ = os.WriteFile(m.file(name, ".alive"), []byte(at.UTC().Format(time.RFC3339)), 0o600)
}

// lastAlive returns when a Run of that name was last known to be alive, to the second; zero if there was none.
func (m Machine) lastAlive(name string) time.Time {
	text, _ := os.ReadFile(m.file(name, ".alive"))
	at, _ := time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
	return at
}
