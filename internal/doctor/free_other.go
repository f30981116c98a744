//go:build !linux && !darwin

package doctor

import "errors"

func freeOf(string) (free, total int64, err error) {
	return 0, 0, errors.New("inorder can't measure it on this operating system")
}
