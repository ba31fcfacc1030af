package checkpoint

import (
	"errors"
	"fmt"
)

// An InputError is of what the caller names: there is no such model, what is there
// cannot be read as one, or the folder to be made exists. Any other error of
// Resolve and Import is of the work: the network, the disk.
type InputError struct{ err error }

func (e *InputError) Error() string { return e.err.Error() }

// Unwrap returns what is wrong.
func (e *InputError) Unwrap() error { return e.err }

func inputf(format string, args ...any) error { return &InputError{fmt.Errorf(format, args...)} }

// ErrAbsent says that what is asked for is not there.
var ErrAbsent = errors.New("it is not there")

// absent makes of an error one that is ErrAbsent too.
func absent(err error) error { return &absentError{err} }

type absentError struct{ err error }

func (e *absentError) Error() string        { return e.err.Error() }
func (e *absentError) Unwrap() error        { return e.err }
func (e *absentError) Is(target error) bool { return target == ErrAbsent }
