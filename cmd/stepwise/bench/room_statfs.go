//go:build linux || darwin

package bench

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// diskRoom returns how many bytes this user can write below dir.
func diskRoom(dir string) (bytes uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("room in %q: %w", dir, err)
	}
	return s.Bavail * uint64(s.Bsize), nil
}
