package checkpoint

import (
	"errors"
	"fmt"
)

// A faultList gathers faults, so that a user sees them together, up to ten.
type faultList struct {
	errs []error
	more int
}

func (l *faultList) add(format string, args ...any) {
	if len(l.errs) == 10 {
		l.more++
		return
	}
	l.errs = append(l.errs, fmt.Errorf(format, args...))
}

func (l *faultList) err() error {
	if l.more > 0 {
		return errors.Join(append(l.errs, fmt.Errorf("and %d more", l.more))...)
	}
	return errors.Join(l.errs...)
}
