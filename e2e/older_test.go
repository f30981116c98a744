package e2e

import (
	"bytes"
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
// recorded, and on an older SDK.
const olderCommit = "b76d8cb"

// older is a program of that commit, built once for all tests.
var older = sync.OnceValues(buildOlder)

func olderProgram(t *testing.T) string {
	path, err := older()
	require.NoError(t, err, "an upgrade is tested from an older version, which is built from commit "+olderCommit+
		" of this repository: that takes git and a clone with the whole history, not a tarball or a shallow clone (`git fetch --unshallow`)")
	return path
}

func buildOlder() (string, error) {
	git := func(args ...string) *exec.Cmd { // the checkout may be another user's
		return exec.Command("git", append([]string{"-c", "safe.directory=*", "-C", testenv.Root()}, args...)...)
	}
	if err := said(git("merge-base", "--is-ancestor", olderCommit, "HEAD")); err != nil {
		return "", err
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

// said runs a command. Its error has what the command said.
func said(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w\n%s", cmd, err, bytes.TrimSpace(out))
}
