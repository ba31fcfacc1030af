package preference

import (
	"context"
	"iter"
	"sync"
)

// outcome is a value or the error that took its place.
type outcome[T any] struct {
	value T
	err   error
}

// job is an input and where its outcome goes.
type job[In, Out any] struct {
	in  In
	out chan<- outcome[Out]
}

// orderedMap applies f to the elements of in on several goroutines and yields
// the results in in's order. It reads ahead by a few elements a worker, so that
// memory holds little more than what was yielded. The first error, of in or of
// f, is yielded in its place and ends it. f must be safe for concurrent use.
func orderedMap[In, Out any](ctx context.Context, workers int, in iter.Seq2[In, error], f func(In) (Out, error)) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()

		jobs := make(chan job[In, Out])
		results := make(chan (<-chan outcome[Out]), 4*workers)
		for range workers {
			running.Go(func() {
				for j := range jobs {
					v, err := f(j.in)
					j.out <- outcome[Out]{v, err}
				}
			})
		}
		running.Go(func() {
			defer close(results)
			defer close(jobs)
			feed(ctx, in, jobs, results)
		})
		for result := range results {
			r := <-result
			if !yield(r.value, r.err) || r.err != nil {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			var none Out
			yield(none, err)
		}
	}
}

// feed hands in's elements to the workers and the places of their outcomes, in
// order, to results, until the end, an error or ctx's end.
func feed[In, Out any](ctx context.Context, in iter.Seq2[In, error], jobs chan<- job[In, Out], results chan<- (<-chan outcome[Out])) {
	for v, err := range in {
		place := make(chan outcome[Out], 1)
		select {
		case results <- place:
		case <-ctx.Done():
			return
		}
		if err != nil {
			place <- outcome[Out]{err: err}
			return
		}
		select {
		case jobs <- job[In, Out]{v, place}:
		case <-ctx.Done():
			var none Out
			place <- outcome[Out]{none, ctx.Err()}
			return
		}
	}
}
