package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// printJSON prints v as indented JSON.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// fixed prints a number that may be missing: nil or NaN.
func fixed[T ~float64](n *T, digits int) string {
	if n == nil || *n != *n {
		return "-"
	}
	return fmt.Sprintf("%.*f", digits, float64(*n))
}
