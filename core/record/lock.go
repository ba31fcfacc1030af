package record

import (
	"errors"
	"fmt"
	"os"
)

// lockName is the file in the run's folder that is locked while the run runs. It
// stays behind: the lock counts, not the file.
const lockName = ".lock"

// errLocked is what lockFile returns where another process has the lock.
var errLocked = errors.New("locked")

// Lock keeps other processes from running the folder's run until unlock, or until
// this process ends, however it does. It refuses a folder that another process
// runs, and does not wait. Reading needs no lock.
func (f *Folder) Lock() (unlock func() error, err error) {
	file, err := os.OpenFile(f.Path(lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	err = lockFile(file)
	switch {
	case err == nil:
		return file.Close, nil
	case errors.Is(err, errLocked):
		err = fmt.Errorf("run folder %q: another process is running it; wait until it ends, or stop it", f.dir)
	default:
		err = &os.PathError{Op: "lock", Path: file.Name(), Err: err}
	}
	return nil, errors.Join(err, file.Close())
}
