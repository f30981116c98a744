package stack

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the system user that runs PostgreSQL, which refuses to run as root. A nil account is our own.
type account struct {
	name     string
	uid, gid uint32
}

// postgresAccount returns nil unless we are root. As root it returns the owner of the data directory if that exists and is not
// root's, else the user postgres, else the user nobody.
func postgresAccount(data string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	if info, err := os.Stat(data); err == nil {
		if st := info.Sys().(*syscall.Stat_t); st.Uid != 0 {
			return &account{"user " + strconv.Itoa(int(st.Uid)), st.Uid, st.Gid}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errU := strconv.ParseUint(u.Uid, 10, 32)
		gid, errG := strconv.ParseUint(u.Gid, 10, 32)
		if errU == nil && errG == nil && uid != 0 {
			return &account{name, uint32(uid), uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("PostgreSQL refuses to run as root, and there is no user postgres or nobody: run as another user, or set DATABASE_URL")
}

func (a *account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// command returns a command that runs as the account, in a directory that everybody can enter.
func (a *account) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = "/"
	cmd.Env = postgresEnv()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential()}
	return cmd
}

func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// home returns dir if the account can enter it. Otherwise it returns a directory for dir below /var/tmp, which survives
// a reboot. Only root may write to that directory, so that no other user can plant files there.
func (a *account) home(dir string) (string, error) {
	if a == nil || a.command("/bin/sh", "-c", `cd "$1"`, "sh", dir).Run() == nil {
		return dir, nil
	}
	place := filepath.Join("/var/tmp", fmt.Sprintf("inorder-%x", sha256.Sum256([]byte(dir)))[:24])
	if err := os.Mkdir(place, 0o711); err != nil && !os.IsExist(err) {
		return "", err
	}
	info, err := os.Lstat(place)
	if err != nil {
		return "", err
	}
	if st := info.Sys().(*syscall.Stat_t); !info.IsDir() || st.Uid != 0 || info.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("%s is not a directory that only root can write to: remove it", place)
	}
	return place, os.Chmod(place, 0o711)
}
