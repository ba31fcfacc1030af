package jinja

import "fmt"

// Error is what a template raised, or why it could not be parsed. Kind is the name of the exception Python would
// have raised (TemplateSyntaxError, UndefinedError, TypeError, ...), or one of LimitError and Unsupported.
type Error struct {
	Kind    string
	Message string
	Line    int // of the template, from 1; 0 where the error has no place in it
}

// Kinds of this package's own.
const (
	// LimitError says that the template used up the steps or bytes it may use.
	LimitError = "LimitError"
	// Unsupported says that the template uses a part of Jinja that this package leaves out.
	Unsupported = "Unsupported"
)

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Kind, e.Message)
	}
	return fmt.Sprintf("line %d: %s: %s", e.Line, e.Kind, e.Message)
}

func raise(kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

func typeError(format string, args ...any) error  { return raise("TypeError", format, args...) }
func valueError(format string, args ...any) error { return raise("ValueError", format, args...) }

func unsupported(format string, args ...any) error { return raise(Unsupported, format, args...) }

// at gives an error without a line the line where it was raised.
func at(err error, line int) error {
	if e, ok := err.(*Error); ok && e.Line == 0 {
		placed := *e
		placed.Line = line
		return &placed
	}
	return err
}
