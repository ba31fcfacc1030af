package forecast

import (
	"context"
	"time"
)

// Rate measures a rate: run does something of so many operations a number of times,
// and Rate returns operations a second. It takes about a fifth of a second.
func Rate(ctx context.Context, operations float64, run func(times int)) (float64, error) {
	const atLeast = 150 * time.Millisecond
	run(1) // memory and frequency settle
	begin, times := time.Now(), 0
	for n := 1; time.Since(begin) < atLeast; n *= 2 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		run(n)
		times += n
	}
	return operations * float64(times) / time.Since(begin).Seconds(), nil
}
