//go:build libtorch

package torch

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestErrorsReachTheirCaller forces 10,000 errors of four kinds from concurrent
// callers, with successes in between.
func TestErrorsReachTheirCaller(t *testing.T) {
	const callers, each = 20, 500
	force := func(from int) { // each caller's errors name numbers of its own
		for i := range each {
			n := 1000 + from*each + i
			kind := i % 4
			err := Do(func() error { return fail(kind, n) })
			want := []string{fmt.Sprintf("(1x%d and", n), fmt.Sprintf("(%d)", n), "can't allocate memory", fmt.Sprint(n, " bytes")}[kind]
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("caller %d, call %d: error %v, want %q", from, i, err, want)
			}
			if errors.Is(err, ErrOutOfMemory) != (kind == 2) {
				t.Errorf("caller %d, call %d: %v: out of memory or not", from, i, err)
			}
			if err := Do(succeed); err != nil {
				t.Errorf("caller %d after call %d: error %v of a sound operation", from, i, err)
			}
		}
	}
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() { force(c) })
	}
	wg.Wait()
	before := resident(t)
	for range 4 {
		force(0)
	}
	if grown := resident(t) - before; grown > 4<<20 {
		t.Errorf("2,000 errors need %d bytes more", grown)
	}
}

// fail fails in the bindings, in the bindings, in native.cpp and on the way there.
func fail(kind, n int) error {
	var s Scope
	defer s.Free()
	switch kind {
	case 0:
		s.MatMul(s.Zeros(CPU, Float32, 1, int64(n)), s.Zeros(CPU, Float32, 2, 2))
	case 1:
		s.Add(s.Zeros(CPU, Float32, int64(n)), s.Zeros(CPU, Float32, 7))
	case 2:
		s.Zeros(CPU, Float32, 1<<40, int64(n))
	case 3:
		s.FromBytes(CPU, Float32, Float32, make([]byte, n), []int{2})
	}
	return nil
}

func succeed() error {
	var s Scope
	defer s.Free()
	x := []float32{0, 0}
	Floats(s.Add(s.FromFloats(CPU, Float32, []float32{1, 2}, 2), s.FromFloats(CPU, Float32, []float32{3, 4}, 2)), x)
	if x[0] != 4 || x[1] != 6 {
		return fmt.Errorf("1 + 3 and 2 + 4 are %v", x)
	}
	return nil
}

// resident returns the bytes of memory that the process holds.
func resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc: the memory of a process is not known")
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// A panic of the program is none of libtorch's errors.
func TestFunctionErrors(t *testing.T) {
	want := errors.New("the function's own")
	if err := Do(func() error { return want }); err != want {
		t.Errorf("error %v", err)
	}
	if err := Do(func() error { Must(want); return nil }); err != want {
		t.Errorf("error %v", err)
	}
}

func TestAsError(t *testing.T) {
	for message, want := range map[string]string{
		"mat1 and mat2 shapes cannot be multiplied\nException raised from x\nframe #0":            "libtorch: mat1 and mat2 shapes cannot be multiplied",
		"CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.15 GiB": "libtorch: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.15 GiB",
	} {
		if got := asError(message); got.Error() != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Scopes own what they are given until Keep.
func TestScope(t *testing.T) {
	err := Do(func() error {
		var s Scope
		x := s.Zeros(CPU, Float32, 2)
		y := s.Within(func(inner *Scope) Tensor {
			inner.Add(x, x)
			return inner.Add(x, x)
		})
		if len(s.owned) != 2 {
			t.Errorf("%d tensors after Within, want 2", len(s.owned))
		}
		kept := s.Keep(y)
		s.Free()
		out := make([]float32, 2)
		Floats(kept, out)
		kept.Free()
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
