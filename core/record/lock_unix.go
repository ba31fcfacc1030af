//go:build unix

package record

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the file's lock, which closing it gives back. A file system that
// has no locks, as clusters mount them, locks nothing.
func lockFile(f *os.File) error {
	for {
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
		case unix.EINTR:
		case unix.EWOULDBLOCK:
			return errLocked
		case unix.ENOSYS, unix.ENOTSUP, unix.ENOLCK:
			return nil
		default:
			return err
		}
	}
}
