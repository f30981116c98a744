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

// Machine is who registers: a user of a machine, and where that user's locks are. A lock is the kernel's, so it ends with its
// process, however that ends: who has the lock of a name knows that every earlier `listen` of that name is dead.
type Machine struct {
	Owner string // user@host
	ID    string // random, and kept beside the locks: user@host alone may be the same in two containers, which share no locks
	dir   string
	host  string
}

// DefaultDir is where a user's locks are.
func DefaultDir() string {
	dir, err := os.UserCacheDir()
	if err != nil { // no home
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("user-%d", os.Getuid()))
	}
	return filepath.Join(dir, "inorder")
}

// ThisMachine reads the machine's ID, and makes one the first time.
func ThisMachine(dir string) (Machine, error) {
	m := Machine{Owner: Owner(), dir: dir}
	_, m.host, _ = strings.Cut(m.Owner, "@")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return m, fmt.Errorf("make a directory for locks: %w", err)
	}
	file := filepath.Join(dir, "machine-"+m.host)
	id, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeOnce(file, strings.ToLower(rand.Text()[:10])); err != nil {
			return m, fmt.Errorf("keep an ID for this machine: %w", err)
		}
		id, err = os.ReadFile(file)
	}
	if err != nil {
		return m, fmt.Errorf("read this machine's ID: %w", err)
	}
	m.ID = unusual.ReplaceAllString(strings.TrimSpace(string(id)), "")
	return m, nil
}

// makeOnce writes a file that appears complete, and only if there is none: two may do it at once.
func makeOnce(file, text string) error {
	unfinished, err := os.CreateTemp(filepath.Dir(file), "new-")
	if err != nil {
		return err
	}
	defer os.Remove(unfinished.Name())
	_, err = unfinished.WriteString(text)
	if err := errors.Join(err, unfinished.Close()); err != nil {
		return err
	}
	if err := os.Link(unfinished.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Owner is user@host, of letters that fit into file names, metadata and records.
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

// CheckName says what is wrong with a name of a `listen`.
func CheckName(name string) error {
	if !names.MatchString(name) {
		return fmt.Errorf("--name %q must be 1 to 40 letters, digits, dots, dashes and underscores", name)
	}
	return nil
}

// try takes the lock of a name, or finds it taken.
func (m Machine) try(name string) (unlock func(), ok bool, err error) {
	if !names.MatchString(name) { // of metadata that somebody else wrote
		return nil, false, nil
	}
	l := flock.New(filepath.Join(m.dir, "listen-"+m.host+"-"+name+".lock"))
	ok, err = l.TryLock()
	if err != nil {
		return nil, false, fmt.Errorf("lock %s: %w", l.Path(), err)
	}
	return func() { _ = l.Close() }, ok, nil
}

// patience is how long lock waits for one that is just ending.
const patience = 5 * time.Second

// lock waits a little for the lock of a name.
func (m Machine) lock(ctx context.Context, name string) (unlock func(), err error) {
	for begin := time.Now(); ; {
		unlock, ok, err := m.try(name)
		switch {
		case err != nil || ok:
			return unlock, err
		case time.Since(begin) > patience:
			return nil, fmt.Errorf("another `inorder listen` named %q runs: end it, or give this one a --name of its own", name)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (m Machine) aliveFile(name string) string {
	return filepath.Join(m.dir, "listen-"+m.host+"-"+name+".alive")
}

// noteAlive keeps when a name was last listened for. What cannot be kept is only asked of a person later.
func (m Machine) noteAlive(name string, at time.Time) {
	_ = os.WriteFile(m.aliveFile(name), []byte(at.UTC().Format(time.RFC3339)), 0o600)
}

// lastAlive is when the last `listen` of that name was last known to be there; zero if there was none.
func (m Machine) lastAlive(name string) time.Time {
	text, _ := os.ReadFile(m.aliveFile(name))
	at, _ := time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
	return at
}
