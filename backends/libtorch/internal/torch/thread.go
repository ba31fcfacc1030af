//go:build libtorch

package torch

import (
	"runtime"
	"sync"
)

// A job is a function that waits for the thread.
type job struct {
	run  func() error
	done chan<- error
}

var (
	jobs  = make(chan job)
	start = sync.OnceFunc(func() { go work() })
)

// Do runs f on libtorch's thread, after what others gave to it, and returns its
// error or that of the operation which ended it. f must not call Do. Gradients
// are recorded only inside Record.
func Do(f func() error) error {
	start()
	done := make(chan error)
	jobs <- job{f, done}
	return <-done
}

// work serves Do as long as the process lives.
func work() {
	runtime.LockOSThread()
	for j := range jobs {
		j.done <- attempt(j.run)
	}
}

// failure carries an operation's error up to Do.
type failure struct{ err error }

// attempt runs f and turns the failure of an operation into its error. Other
// panics are errors of the program and pass.
func attempt(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			failed, ok := p.(failure)
			if !ok {
				panic(p)
			}
			err = failed.err
		}
	}()
	record(false)
	return f()
}

// Must ends the function given to Do with err, if there is one.
func Must(err error) {
	if err != nil {
		panic(failure{err})
	}
}
