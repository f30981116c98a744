package devstack

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
)

// StateDir is where the servers of a checkout keep their state: in dir, or, when they run as another account that
// cannot reach it, in a place of the checkout's own below /var/tmp, which survives a restart.
func StateDir(dir string) (string, error) {
	account, err := serverUser()
	if err != nil {
		return "", err
	}
	if account.drop && !reachable(dir) {
		sum := sha256.Sum256([]byte(dir))
		dir = filepath.Join("/var/tmp", "inorder-"+hex.EncodeToString(sum[:6]))
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// reachable reports whether every account may pass through all folders above dir.
func reachable(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}
