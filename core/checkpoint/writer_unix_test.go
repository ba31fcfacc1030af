//go:build unix

package checkpoint

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// onFullDisk runs the rest of the test in a process of its own, in which writes
// beyond size bytes of a file fail, as on a full disk. It says whether this is it.
func onFullDisk(t *testing.T, size uint64) bool {
	t.Helper()
	const child = "STEPWISE_TEST_FULL_DISK"
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), child+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return false
	}
	limit := unix.Rlimit{Cur: size, Max: size}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	return true
}

// TestFullDisk checks that a write that fails midway names the tensor and leaves
// nothing.
func TestFullDisk(t *testing.T) {
	if !onFullDisk(t, 1<<16) {
		return
	}
	dir := filepath.Join(t.TempDir(), "model")
	big := Param{"big", RoleMatrix, []int{1 << 16}}
	w, err := NewWriter(dir, "float32", []Param{{"small", RoleNorm, []int{4}}, big}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := w.Write("small", make([]float32, 4)); err != nil {
		t.Fatal(err)
	}
	if err := w.Write("big", make([]float32, 1<<16)); !hasAll(err, `"big"`) || !errors.Is(err, unix.EFBIG) {
		t.Errorf("write: %v", err)
	}
	if err := w.Commit(); !hasAll(err, `"big" was not written`) {
		t.Errorf("commit: %v", err)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("files left behind: %v", got)
	}
}

// TestFullDiskImport checks that an import that fails midway leaves no folder.
func TestFullDiskImport(t *testing.T) {
	if !onFullDisk(t, 1<<14) {
		return
	}
	above := t.TempDir()
	err := importGGUF(t.Context(), "testdata/tiny.gguf", filepath.Join(above, "model"))
	if input := (*InputError)(nil); !errors.Is(err, unix.EFBIG) || errors.As(err, &input) {
		t.Errorf("import: %v", err)
	}
	if got := files(t, above); len(got) != 0 {
		t.Errorf("files left behind: %v", got)
	}
}
