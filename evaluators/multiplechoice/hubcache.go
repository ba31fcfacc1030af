package multiplechoice

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// hubSnapshot returns the folder of a data set in the cache that huggingface_hub
// keeps, by its variables HF_HUB_CACHE, HF_HOME and XDG_CACHE_HOME.
func hubSnapshot(dataset string) (string, error) {
	cache, err := hubCache()
	if err != nil {
		return "", err
	}
	repository := filepath.Join(cache, "datasets--"+strings.ReplaceAll(dataset, "/", "--"))
	commit, err := os.ReadFile(filepath.Join(repository, "refs", "main"))
	if err != nil {
		return "", fmt.Errorf("data set %q is not in the hub's cache %q; fetch it with \"hf download --repo-type dataset %s\", or set the option data to a folder", dataset, cache, dataset)
	}
	return filepath.Join(repository, "snapshots", strings.TrimSpace(string(commit))), nil
}

func hubCache() (string, error) {
	if dir := os.Getenv("HF_HUB_CACHE"); dir != "" {
		return dir, nil
	}
	if home := os.Getenv("HF_HOME"); home != "" {
		return filepath.Join(home, "hub"), nil
	}
	base := os.Getenv("XDG_CACHE_HOME")
	if base == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("no place for the hub's cache (set HF_HOME, or the option data): %w", err)
		}
		base = filepath.Join(user, ".cache")
	}
	return filepath.Join(base, "huggingface", "hub"), nil
}
