package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

// olderCommit is landed code that stands for the version before an upgrade: before the inbox, before cancellations were
// recorded, and with an older SDK.
const olderCommit = "b76d8cb"

// older returns the path of the program of that commit, built once for all tests.
var older = sync.OnceValues(buildOlder)

// errNoHistory reports that the checkout does not have the commit: it is a tarball or a shallow clone.
var errNoHistory = errors.New("commit " + olderCommit + " is not in this checkout: run `git fetch --unshallow`")

// olderProgram returns the path of the older version, or of this version if the checkout has no history. Then a test still shows what a
// rolling upgrade refuses or loses, but not whether the two versions can handle each other's workflow histories.
func olderProgram(t *testing.T) string {
	path, err := older()
	if errors.Is(err, errNoHistory) {
		t.Log(err)
		return program
	}
	require.NoError(t, err)
	return path
}

func buildOlder() (string, error) {
	git := func(args ...string) *exec.Cmd { // the checkout may be another user's
		return exec.Command("git", append([]string{"-c", "safe.directory=*", "-C", testenv.Root()}, args...)...)
	}
	if err := said(git("merge-base", "--is-ancestor", olderCommit, "HEAD")); err != nil {
		return "", fmt.Errorf("%w: %w", errNoHistory, err)
	}
	dir := filepath.Join(filepath.Dir(program), "older")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	archive := filepath.Join(dir, "older.tar")
	for _, step := range []*exec.Cmd{git("archive", "--output", archive, olderCommit), exec.Command("tar", "-x", "-f", archive, "-C", dir)} {
		if err := said(step); err != nil {
			return "", err
		}
	}
	path := filepath.Join(dir, "inorder")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./cmd/inorder")
	build.Dir, build.Env = dir, append(os.Environ(), "GOWORK=off")
	return path, said(build)
}

// said runs a command. The error contains the command's output.
func said(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w\n%s", cmd, err, bytes.TrimSpace(out))
}
