package multiplechoice

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// fromHub returns the files of a split in the task's data set on the hub. They are
// downloaded into the cache of huggingface_hub unless they are there.
func (l *library) fromHub(ctx context.Context, d *Definition, split string) ([]string, error) {
	if d.DatasetPath == "" {
		return nil, noData(d, split, "the task names no data set of the hub: set the option data to the folder of its files")
	}
	if l.hub == nil {
		hub, err := checkpoint.NewDatasets(downloads(ctx))
		if err != nil {
			return nil, err
		}
		l.hub = hub
	}
	paths, err := l.hub.Fetch(ctx, d.DatasetPath, func(all []string) ([]string, error) {
		return firstMatches(all, inRepository("", d, split))
	})
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, checkpoint.ErrAbsent):
		err = noData(d, split, "%w; see https://huggingface.co/datasets/%s, or set the option data to a folder that has it", err, d.DatasetPath)
	default:
		err = fmt.Errorf("task %q: split %q: %w; to do without the hub, set the option data to a folder that has it", d.Task, split, err)
	}
	return paths, err
}

// firstMatches returns, sorted, the paths that match the first pattern that any do.
func firstMatches(paths, patterns []string) ([]string, error) {
	for _, pattern := range patterns {
		var matches []string
		for _, p := range paths {
			ok, err := path.Match(pattern, p)
			if err != nil {
				return nil, err
			}
			if ok {
				matches = append(matches, p)
			}
		}
		if len(matches) > 0 {
			slices.Sort(matches)
			return matches, nil
		}
	}
	return nil, fmt.Errorf("none of its files is one of %s", strings.Join(patterns, ", "))
}

// downloads tells the context's Reporter how far each file is.
func downloads(ctx context.Context) checkpoint.Progress {
	report := core.ReporterFrom(ctx)
	return func(file string, done, total int64) {
		const kib = 1 << 10
		report.Progress(file+", KiB", int((done+kib-1)/kib), int((total+kib-1)/kib))
	}
}
