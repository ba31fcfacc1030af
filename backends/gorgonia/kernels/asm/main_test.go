package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What is checked in is what the generator writes, but for the first line, which
// names the command.
func TestCheckedInFilesAreCurrent(t *testing.T) {
	for _, f := range []struct{ isa, dir, asm, stubs, pkg string }{
		{"avx2", "..", "avx2_amd64.s", "avx2_amd64.go", "kernels"},
		{"avx512", "..", "avx512_amd64.s", "avx512_amd64.go", "kernels"},
		{"amx", "..", "amx_amd64.s", "amx_amd64.go", "kernels"},
		{"pause", "..", "pause_amd64.s", "pause_amd64.go", "kernels"},
		{"peak", "../peak", "peak_amd64.s", "stubs_amd64.go", "peak"},
	} {
		dir := t.TempDir()
		asm, stubs := filepath.Join(dir, f.asm), filepath.Join(dir, f.stubs)
		out, err := exec.Command("go", "run", ".", "-isa", f.isa, "-out", asm, "-stubs", stubs, "-pkg", f.pkg).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", f.isa, err, out)
		}
		for _, name := range []string{f.asm, f.stubs} {
			if !bytes.Equal(body(t, filepath.Join(dir, name)), body(t, filepath.Join(f.dir, name))) {
				t.Errorf("%s is not what the generator writes: run go generate in its folder", name)
			}
		}
	}
}

// body returns a file without its first line.
func body(t *testing.T, path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(data, []byte("\n"))
	return rest
}

func TestUnknownInstructionSetIsRefused(t *testing.T) {
	if err := generate("sse"); err == nil {
		t.Error("no error")
	}
}
