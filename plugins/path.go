package plugins

import (
	"fmt"
	"path/filepath"
)

// absolute makes a path independent of the working folder; empty stays empty.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("%q: %w", path, err)
	}
	return abs, nil
}
