package jinja

import (
	"strings"
	"time"
)

// Limits bound what rendering a template may cost, so that a hostile one can neither hang nor fill memory.
type Limits struct {
	Steps int // expressions, statements and items worked on
	Bytes int // of all texts and lists made on the way, the output among them
	Depth int // of macros and recursive loops within each other
}

// Sizes that lists, dicts and scopes are counted with, besides what they hold.
const (
	itemSize   = 32
	entrySize  = 64
	objectSize = 128
)

// DefaultLimits are some hundred times what real templates need for real dialogues; a template that uses them up
// does so within seconds.
var DefaultLimits = Limits{Steps: 10_000_000, Bytes: 256 << 20, Depth: 200}

// maxRecursion bounds how deep the values nest that are compared, printed or hashed.
const maxRecursion = 900

var errRecursion = raise("RecursionError", "maximum recursion depth exceeded")

// runtime is the state of one rendering.
type runtime struct {
	env    *Environment
	limits Limits
	depth  int // of calls
	vars   *Object
	now    func() time.Time
	out    *strings.Builder // where output goes
	root   *strings.Builder // the template's own output, outside of macros and blocks that capture
	spans  [][2]int         // of generation blocks, in characters of root
}

func newRuntime(limits Limits) *runtime {
	root := &strings.Builder{}
	return &runtime{env: &Environment{}, limits: limits, vars: NewObject(), now: time.Now, out: root, root: root}
}

// use counts steps.
func (rt *runtime) use(steps int) error {
	if rt.limits.Steps -= steps; rt.limits.Steps < 0 {
		return raise(LimitError, "the template takes too many steps")
	}
	return nil
}

// alloc counts bytes about to be made, and the work of making them.
func (rt *runtime) alloc(bytes int) error {
	if rt.limits.Bytes -= bytes; rt.limits.Bytes < 0 || bytes < 0 {
		rt.limits.Bytes = 0
		return raise(LimitError, "the template makes too much text")
	}
	return rt.use(1 + bytes/64)
}

// write puts text to the output.
func (rt *runtime) write(s string) error {
	if err := rt.alloc(len(s)); err != nil {
		return err
	}
	rt.out.WriteString(s)
	return nil
}

// capture runs f and returns what it wrote.
func (rt *runtime) capture(f func() error) (string, error) {
	outer := rt.out
	rt.out = &strings.Builder{}
	defer func() { rt.out = outer }()
	err := f()
	return rt.out.String(), err
}

// enter counts a call; the caller defers leave.
func (rt *runtime) enter() error {
	if rt.depth++; rt.depth > rt.limits.Depth {
		return raise("RecursionError", "maximum recursion depth exceeded")
	}
	return nil
}

func (rt *runtime) leave() { rt.depth-- }
