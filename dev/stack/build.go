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

// Root returns the checkout that the working directory is in.
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

// goBuild builds a package of the nested module in a directory into the file out, which appears when it is complete.
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

// waitForLock takes the lock file, made with its directory if need be, when no other process has it.
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
