// Package torch is what the backend uses of libtorch: a thin layer over the raw
// bindings of gotch, and functions of its own (native.cpp) for what they lack.
// It is empty without the build tag libtorch.
//
// # One thread
//
// libtorch keeps an error of the bindings, the gradient mode and the number of
// threads by thread, while goroutines wander. Everything therefore runs in [Do],
// on one goroutine that is bound to one thread. A failed operation ends the
// function given to Do, which returns its error.
//
// # Ownership
//
// A [Tensor] is a handle. The [Scope] that an operation is called on owns its
// result until Free, or until Keep hands it to the caller; nothing is left to
// the garbage collector, which knows nothing of the memory behind a handle.
package torch
