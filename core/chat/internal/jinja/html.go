package jinja

import "html"

// unescapeHTML resolves the entities of HTML, named and numbered.
func unescapeHTML(s string) string { return html.UnescapeString(s) }
