package main

import (
	"context"

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
	return checkpoint.Resolve(ctx, name, downloads(ctx))
}
