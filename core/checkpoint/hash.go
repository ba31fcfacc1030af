package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/stepwise-dpo/stepwise/core/filehash"
	"golang.org/x/sync/errgroup"
)

// SHA256 returns the hash of a model's weights, in hexadecimal: of
// model.safetensors what sha256sum prints; of shards the hash of the list that
// sha256sum prints of them, in order. Shards are read in parallel.
func SHA256(path string) (string, error) {
	files, _, err := weightFiles(path)
	if err != nil {
		return "", err
	}
	sums := make([]string, len(files))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, file := range files {
		g.Go(func() (err error) {
			sums[i], err = filehash.SHA256(file)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", fmt.Errorf("hash weights %q: %w", path, err)
	}
	if len(sums) == 1 {
		return sums[0], nil
	}
	all := sha256.New()
	for i, file := range files {
		fmt.Fprintf(all, "%s  %s\n", sums[i], filepath.Base(file))
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}
