//go:build !linux && !darwin

package doctor

import "errors"

func freeOf(string) (free, total int64, err error) {
	return 0, 0, errors.New("this system does not tell it here")
}
