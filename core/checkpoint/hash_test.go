package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestSHA256(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, singleFile), []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	// FIPS 180-2, appendix B.1.
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got, err := SHA256(dir); err != nil || got != abc {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestSHA256Shards checks that every shard counts, and that the hash is that of
// sha256sum's list.
func TestSHA256Shards(t *testing.T) {
	dir := t.TempDir()
	writeTiny(t, dir, "float32", 256)
	list := ""
	for _, name := range files(t, dir) {
		if name == indexFile {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		list += fmt.Sprintf("%x  %s\n", sha256.Sum256(data), name)
	}
	sum := sha256.Sum256([]byte(list))
	if got, err := SHA256(dir); err != nil || got != hex.EncodeToString(sum[:]) {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := SHA256(t.TempDir()); err == nil {
		t.Error("the hash of an empty folder")
	}
}
