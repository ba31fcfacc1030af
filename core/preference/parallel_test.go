package preference

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// count yields 0..n-1, then err if it is not nil.
func count(n int, err error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if err != nil {
			yield(0, err)
		}
	}
}

// square waits the longer the smaller n modulo 7, so that later inputs finish
// first.
func square(n int) (int, error) {
	time.Sleep(time.Duration(7-n%7) * 50 * time.Microsecond)
	return n * n, nil
}

func TestOrderedMapKeepsOrder(t *testing.T) {
	defer goleak.VerifyNone(t)
	var got []int
	for v, err := range orderedMap(t.Context(), 5, count(200, nil), square) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, v)
	}
	want := make([]int, 200)
	for i := range want {
		want[i] = i * i
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestOrderedMapStops(t *testing.T) {
	broken := errors.New("broken")
	failAt := func(bad int) func(int) (int, error) {
		return func(n int) (int, error) {
			if n >= bad {
				return 0, broken
			}
			return square(n)
		}
	}
	for _, c := range []struct {
		name  string
		in    iter.Seq2[int, error]
		f     func(int) (int, error)
		limit int // break after so many
		want  int // values before the end
		err   error
	}{
		{"input fails", count(20, broken), square, 100, 20, broken},
		{"function fails", count(100, nil), failAt(30), 100, 30, broken},
		{"caller breaks", count(1000, nil), square, 11, 11, nil},
		{"no input", count(0, nil), square, 100, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			n := 0
			var last error
			for _, err := range orderedMap(t.Context(), 4, c.in, c.f) {
				if last = err; err != nil {
					break
				}
				if n++; n == c.limit {
					break
				}
			}
			if n != c.want || !errors.Is(last, c.err) {
				t.Errorf("%d values, error %v; want %d, %v", n, last, c.want, c.err)
			}
		})
	}
}

func TestOrderedMapCancelled(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range orderedMap(ctx, 3, count(1_000_000, nil), square) {
		if last = err; err != nil {
			break
		}
		if n++; n == 10 {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) || n < 10 || n > 100 {
		t.Errorf("%d values, error %v", n, last)
	}
}
