package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Root returns the root of the checkout that contains the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(text, []byte("module inorder\n")) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("not inside a checkout of inorder: change to one first")
		}
	}
}

// goBuild builds pkg, of the nested module in the directory module, into the file out. out appears only when it is complete.
func goBuild(ctx context.Context, module, out, pkg string) error {
	unfinished := out + ".new"
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", unfinished, pkg)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s in %s: %w\n%s", pkg, module, err, text)
	}
	return os.Rename(unfinished, out)
}

// waitForLock creates the lock file and its directory if needed, and waits until no other process holds the lock.
func waitForLock(ctx context.Context, path string) (unlock func() error, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	lock := flock.New(path)
	if _, err := lock.TryLockContext(ctx, pollEvery); err != nil {
		return nil, err
	}
	return lock.Close, nil
}
