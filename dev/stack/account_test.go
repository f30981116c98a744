package stack

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The server's user can't enter dir, as in a checkout below /root.
func TestRootInADirectoryOfItsOwn(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		requireOwnAccount(t)
		return
	}
	dir := filepath.Join(stateDir(t), "of root alone", ".dev")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o700))

	s := start(t, Options{Dir: dir})
	require.Equal(t, "1", query(t, s.DatabaseURL, "SELECT '1'"))
	home := s.Postgres.Work // the data directory
	require.Equal(t, "/var/tmp", filepath.Dir(filepath.Dir(home)))
	info, err := os.Stat(home)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	require.NoError(t, s.Stop())
	require.NoError(t, Remove(dir))
	require.NoDirExists(t, filepath.Dir(home))
}

func TestPreparedHomeIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		requireOwnAccount(t)
		return
	}
	a, err := postgresAccount("")
	require.NoError(t, err)
	dir := filepath.Join(stateDir(t), "of root alone")
	require.NoError(t, os.Mkdir(dir, 0o700))
	dir = filepath.Join(dir, ".dev")
	home, err := a.home(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(home)) })
	require.NoError(t, a.own(home))
	_, err = a.home(dir)
	require.ErrorContains(t, err, "only root can write to")
}

// requireOwnAccount checks what holds for everybody but root: PostgreSQL runs as our own user, which can enter its directories.
func requireOwnAccount(t *testing.T) {
	t.Helper()
	a, err := postgresAccount("")
	require.NoError(t, err)
	require.Nil(t, a)
}
