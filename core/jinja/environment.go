package jinja

// An Environment is what jinja2.Environment is: how templates are read, and what they may use besides Jinja's own.
// [Transformers] and [Harness] are the ones there are.
type Environment struct {
	trimBlocks          bool // the first newline after a tag is dropped
	lstripBlocks        bool // so is the white space before a tag that begins a line
	keepTrailingNewline bool
	strict              bool                  // StrictUndefined: see runtime.eval
	tags                []string              // of extensions
	filters             map[string]filterFunc // these and the functions stand before Jinja's
	functions           map[string]Value
}

// Transformers is the environment of chat templates: transformers/utils/chat_template_utils.py.
var Transformers = &Environment{
	trimBlocks:   true,
	lstripBlocks: true,
	tags:         []string{"break", "continue", "generation"},
	filters:      map[string]filterFunc{"tojson": tojsonFilter},
	functions: map[string]Value{
		"raise_exception": function("raise_exception", raiseException),
		"strftime_now":    function("strftime_now", strftimeNow),
	},
}

// Harness is the environment of prompts in lm-evaluation-harness: lm_eval/utils.py of 0.4.13. There it is no sandbox;
// here what transformers' sandbox refuses is refused all the same.
var Harness = &Environment{
	keepTrailingNewline: true,
	strict:              true,
	filters:             map[string]filterFunc{"regex_replace": regexReplaceFilter},
}

// Parse reads a template. The error is an *Error.
func (e *Environment) Parse(source string) (*Template, error) {
	if err := validText(source); err != nil {
		return nil, err
	}
	body, err := e.parse(source)
	if err != nil {
		return nil, err
	}
	root, err := e.analyze(body)
	if err != nil {
		return nil, err
	}
	return &Template{e, body, root}, nil
}

// filter is a filter by name, nil where there is none.
func (e *Environment) filter(name string) filterFunc {
	if f := e.filters[name]; f != nil {
		return f
	}
	return filters[name]
}

// function is a function by name.
func (e *Environment) function(name string) (Value, bool) {
	if f, ok := e.functions[name]; ok {
		return f, true
	}
	f, ok := globals[name]
	return f, ok
}
