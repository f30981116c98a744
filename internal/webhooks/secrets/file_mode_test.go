package secrets

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// secretVolume lays out a directory like a secret that Kubernetes mounts: the name links to the file through ..data, and an
// update replaces ..data.
func secretVolume(t *testing.T, version, text string, mode fs.FileMode, dir string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, version), 0o755))
	file := filepath.Join(dir, version, "secrets")
	write(t, file, text)
	require.NoError(t, os.Chmod(file, mode))
	require.NoError(t, os.Symlink(version, filepath.Join(dir, "..data_tmp")))
	require.NoError(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	if _, err := os.Lstat(filepath.Join(dir, "secrets")); err != nil {
		require.NoError(t, os.Symlink("..data/secrets", filepath.Join(dir, "secrets")))
	}
}

func TestAVolumeOfKubernetesIsReadAndReadAgain(t *testing.T) {
	dir := t.TempDir()
	secretVolume(t, "..2026_01_01", "whsec_old\n", 0o400, dir)
	k, logs := newRing(t, Options{File: filepath.Join(dir, "secrets")})
	require.True(t, k.takes("whsec_old"))
	secretVolume(t, "..2026_01_02", "whsec_new\n", 0o400, dir)
	k.poll(t.Context())
	k.poll(t.Context())
	require.True(t, k.takes("whsec_new"))
	require.False(t, k.takes("whsec_old"))
	require.NotContains(t, logs.String(), "ERROR")
}

// envMounted makes the test program read a file on a mount that only it sees.
const envMounted = "INORDER_TEST_MOUNTED_SECRETS"

// TestAReadOnlyMount makes a real read-only mount, in a namespace of its own, like those of Swarm and Kubernetes.
func TestAReadOnlyMount(t *testing.T) {
	if path := os.Getenv(envMounted); path != "" {
		k, _ := newRing(t, Options{File: path})
		require.True(t, k.takes("whsec_new"))
		return
	}
	dir := t.TempDir()
	secretVolume(t, "..2026_01_01", "whsec_new\n", 0o444, dir)
	path := filepath.Join(dir, "secrets")
	_, err := Load(t.Context(), Options{File: path})
	require.ErrorContains(t, err, "mode 444", "it can be written to here")

	unshare := []string{"--user", "--map-root-user", "--mount"}
	if os.Geteuid() == 0 {
		unshare = []string{"--mount"}
	}
	mount := `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && echo mounted && exec "$@"`
	cmd := exec.Command("unshare", append(unshare, "sh", "-c", mount, "sh", dir, os.Args[0], "-test.run=^TestAReadOnlyMount$")...)
	cmd.Env = append(os.Environ(), envMounted+"="+path)
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(string(out), "mounted") {
		t.Logf("no mount can be made here, so only the rule is tested: %s", out)
		return
	}
	require.NoError(t, err, string(out))
}
