package main

import (
	"context"
	"errors"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// downloads shows how far a download is.
func downloads(ctx context.Context) checkpoint.Progress {
	report := core.ReporterFrom(ctx)
	return func(file string, done, total int64) {
		const mib = 1 << 20
		report.Progress(file+", MiB", int(done/mib), int(total/mib))
	}
}

// resolve finds the model's folder, downloading or importing it if need be.
func resolve(ctx context.Context, name string) (string, error) {
	dir, err := checkpoint.Resolve(ctx, name, downloads(ctx))
	return dir, markInput(err)
}

// markInput marks as the user's mistake what is wrong with the names given, and
// leaves what went wrong with the network or the disk.
func markInput(err error) error {
	var input *checkpoint.InputError
	if errors.As(err, &input) {
		return asUsage(err)
	}
	return err
}
