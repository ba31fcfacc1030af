// Package atomicfile puts files into place whole or not at all, so that they stay
// there when the power fails.
package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// Prefix begins the names of what is not in place. Whatever else begins with a dot,
// .git or .gitattributes, is the user's. Unfinished begins those of a file or folder
// that is being written.
const (
	Prefix     = ".stepwise-"
	Unfinished = Prefix + "new-"
)

// Write fills a file beside path, whose name begins with Unfinished, and renames it
// into place: readers find the old content or the new, never a part. What write
// is given is an *os.File, unbuffered. If write fails, path is as it was.
func Write(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), Unfinished+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing to remove
	if err := write(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := Finish(f); err != nil {
		return err
	}
	return Rename(f.Name(), path)
}

// Finish flushes a file of os.CreateTemp to the disk and closes it. CreateTemp's
// mode is for secrets; this makes it as readable as any other file.
func Finish(f *os.File) error {
	return errors.Join(f.Chmod(0o644), f.Sync(), f.Close())
}

// Rename renames a file or folder durably.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(to))
}

// SyncDir makes renames in a folder durable, where the system can.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
