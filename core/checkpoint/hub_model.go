package checkpoint

import (
	"context"
	"errors"
	"path"
	"slices"
)

// model returns the folder of a model's snapshot.
func (h *hub) model(ctx context.Context, name string) (string, error) {
	r, err := h.repository(models, name)
	if err != nil {
		return "", err
	}
	dir, _, err := h.fetch(ctx, r, modelFiles)
	return dir, err
}

// modelFiles is the Choice of the files of a Hugging Face folder.
func modelFiles(paths []string) ([]string, error) {
	single := slices.Contains(paths, singleFile)
	if !slices.Contains(paths, "config.json") || !single && !slices.Contains(paths, indexFile) {
		return nil, errors.New("there is no config.json with safetensors: it is not a model that can be read here")
	}
	patterns := append([]string{"config.json"}, carried...)
	if single {
		patterns = append(patterns, singleFile)
	} else {
		patterns = append(patterns, indexFile, "model-*-of-*.safetensors")
	}
	var files []string
	for _, p := range paths {
		if slices.ContainsFunc(patterns, func(pattern string) bool { ok, _ := path.Match(pattern, p); return ok }) {
			files = append(files, p)
		}
	}
	return files, nil
}
