//go:build libtorch

package torch

import (
	"errors"
	"slices"
	"strings"
	"unsafe"

	"github.com/sugarme/gotch/libtch"
)

// A Tensor is a handle of libtorch. The zero Tensor is none.
type Tensor struct{ c libtch.Ctensor }

// Exists says whether t is a tensor.
func (t Tensor) Exists() bool { return t.c != nil }

// Free gives up the handle of a tensor that Keep took out of its scope, or of none.
func (t Tensor) Free() {
	if t.c != nil {
		libtch.AtFree(t.c)
	}
}

// A Scope owns the tensors that its operations return. The zero Scope is ready.
// Its methods run inside Do.
type Scope struct{ owned []libtch.Ctensor }

// Free frees what the scope owns. The scope can be used again.
func (s *Scope) Free() {
	for _, c := range s.owned {
		libtch.AtFree(c)
	}
	s.owned = s.owned[:0]
}

// Keep takes t, which may be none, out of the scope; the caller frees it.
func (s *Scope) Keep(t Tensor) Tensor {
	for i := len(s.owned) - 1; i >= 0; i-- { // it is mostly one of the last
		if s.owned[i] == t.c {
			s.owned = slices.Delete(s.owned, i, i+1)
			break
		}
	}
	return t
}

// Within runs f with a scope of its own, frees that, and owns the tensor of it
// that f returned.
func (s *Scope) Within(f func(inner *Scope) Tensor) Tensor {
	var inner Scope
	defer inner.Free()
	return s.own(inner.Keep(f(&inner)).c)
}

// Replace is Within that then frees x, a tensor of s.
func (s *Scope) Replace(x Tensor, f func(inner *Scope) Tensor) Tensor {
	y := s.Within(f)
	s.Keep(x).Free()
	return y
}

func (s *Scope) own(c libtch.Ctensor) Tensor {
	s.owned = append(s.owned, c)
	return Tensor{c}
}

// bound owns the result of an operation of the bindings.
func (s *Scope) bound(call func(out *libtch.Ctensor)) Tensor {
	var out libtch.Ctensor
	call(&out)
	checkBound()
	return s.own(out)
}

// checkBound fails with the error of the last operation of the bindings, which
// waits in a slot of the thread.
func checkBound() {
	if message := libtch.GetAndResetLastErr(); message != nil {
		Must(asError(takeString(unsafe.Pointer(message))))
	}
}

// ErrOutOfMemory is what an operation fails with that finds no memory.
var ErrOutOfMemory = errors.New("out of memory")

// asError makes an error of libtorch's message, without the stack of C++ after it.
func asError(message string) error {
	text, _, _ := strings.Cut(message, "\n")
	text = strings.TrimSuffix(strings.TrimSpace(text), ".")
	if i := strings.Index(text, "DefaultCPUAllocator: can't allocate memory"); i >= 0 {
		return outOfMemory{text[i:]} // an assertion's text is before it
	}
	if strings.Contains(text, "out of memory") {
		return outOfMemory{text}
	}
	return errors.New("libtorch: " + text)
}

// outOfMemory says in libtorch's words what was asked for and what there is.
type outOfMemory struct{ text string }

func (e outOfMemory) Error() string { return "libtorch: " + e.text }

func (outOfMemory) Is(target error) bool { return target == ErrOutOfMemory }
