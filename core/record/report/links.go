package report

import (
	"html/template"
	"net/url"
	"path/filepath"
)

// linker makes the address of a file for the page.
type linker interface {
	address(path string) template.URL
}

// absoluteLinks are for a page that may be put anywhere on this machine.
type absoluteLinks struct{}

func (absoluteLinks) address(path string) template.URL {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return template.URL((&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String())
}

// relativeLinks are for a page in the folder from, an absolute path.
type relativeLinks struct{ from string }

func (l relativeLinks) address(path string) template.URL {
	abs, err := filepath.Abs(path)
	if err != nil {
		return absoluteLinks{}.address(path)
	}
	rel, err := filepath.Rel(l.from, abs)
	if err != nil {
		return absoluteLinks{}.address(path)
	}
	// "./" keeps a name with a colon from being read as a scheme.
	return template.URL("./" + (&url.URL{Path: filepath.ToSlash(rel)}).EscapedPath())
}
