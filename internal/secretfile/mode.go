package secretfile

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// CheckMode returns an error if too many may read or change a file of secrets. It has PostgreSQL's rule for key files: only the
// owner may read the file, and its group, too, if root owns it. Containers need one more rule: on a read-only mount everybody may
// read it, because whoever made the mount decides who sees it. Kubernetes (modes 644, 640 and 440, behind symbolic links) and
// Swarm (444) can mount secrets only in this way.
func CheckMode(mode fs.FileMode, owner uint32, readOnly bool) error {
	allowed := fs.FileMode(0o700)
	switch {
	case readOnly:
		allowed = 0o755
	case owner == 0:
		allowed = 0o740
	}
	if excess := mode &^ allowed; excess == 0 {
		return nil
	}
	if readOnly {
		return fmt.Errorf("is writable by others than its owner (mode %03o): mount it with mode 444 or 440", mode)
	}
	return fmt.Errorf("is readable or writable by too many users (mode %03o): run chmod %03o on it; a file that root owns may have mode 640, and one on a "+
		"read-only mount, such as Kubernetes' and Swarm's secrets, 444", mode, allowed&0o640)
}

// onReadOnlyMount reports whether the file is on a mount through which nobody can write to it.
func onReadOnlyMount(f *os.File) bool {
	const readOnly = 1 // ST_RDONLY, MNT_RDONLY
	var st syscall.Statfs_t
	return syscall.Fstatfs(int(f.Fd()), &st) == nil && st.Flags&readOnly != 0
}
