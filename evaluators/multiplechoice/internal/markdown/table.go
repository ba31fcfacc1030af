// Package markdown lays out tables as pytablewriter's MarkdownTableWriter does,
// which lm-eval prints its results with.
package markdown

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// Table returns the rows under the headers. A cell is a number or a string, which
// may be the text of a number. A column of numbers is aligned right, with as
// many decimals as any of them needs; a column with another text, or without a
// number, is aligned left and keeps its texts.
func Table(headers []string, rows [][]any) string {
	columns := make([]column, len(headers))
	for i, h := range headers {
		columns[i] = layOut(h, rows, i)
	}
	var b strings.Builder
	line := func(cell func(column) string) {
		for _, c := range columns {
			b.WriteByte('|')
			b.WriteString(cell(c))
		}
		b.WriteString("|\n")
	}
	line(column.title)
	line(column.rule)
	for i := range rows {
		line(func(c column) string { return c.cell(i) })
	}
	return b.String()
}

// column is a laid out column.
type column struct {
	header  string
	cells   []string
	right   []bool // of each cell: aligned right
	numeric bool
	width   int
}

const minWidth = 3

func layOut(header string, rows [][]any, at int) column {
	c := column{header: header, width: max(minWidth, utf8.RuneCountInString(header))}
	numbers, words, decimals := false, false, 0
	parsed := make([]cell, len(rows))
	for i, row := range rows {
		parsed[i] = parse(row[at])
		switch parsed[i].kind {
		case number:
			numbers = true
			decimals = max(decimals, parsed[i].decimals())
		case word:
			words = true
		}
	}
	c.numeric = numbers && !words
	for _, p := range parsed {
		text := p.text
		if p.kind == number && c.numeric {
			text = strconv.FormatFloat(p.value, 'f', decimals, 64)
		}
		c.cells = append(c.cells, text)
		c.right = append(c.right, p.kind == number || c.numeric)
		c.width = max(c.width, utf8.RuneCountInString(text))
	}
	return c
}

type kind int

const (
	blank kind = iota
	number
	special // NaN or an infinity
	word
)

type cell struct {
	kind  kind
	text  string
	value float64
}

func parse(v any) cell {
	text := py.Str(v)
	if f, ok := v.(float64); ok {
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	if py.Strip(text) == "" {
		return cell{kind: blank}
	}
	value, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return cell{kind: word, text: text}
	case math.IsNaN(value):
		return cell{kind: special, text: "NaN"}
	case math.IsInf(value, 0):
		return cell{kind: special, text: strings.Repeat("-", sign(value)) + "Infinity"}
	}
	return cell{number, text, value}
}

func sign(v float64) int {
	if v < 0 {
		return 1
	}
	return 0
}

// decimals is how many the number needs.
func (c cell) decimals() int {
	_, fraction, _ := strings.Cut(strconv.FormatFloat(c.value, 'f', -1, 64), ".")
	return len(fraction)
}

func (c column) title() string {
	gap := c.width - utf8.RuneCountInString(c.header)
	return strings.Repeat(" ", gap/2) + c.header + strings.Repeat(" ", gap-gap/2)
}

func (c column) rule() string {
	if c.numeric {
		return strings.Repeat("-", c.width-1) + ":"
	}
	return strings.Repeat("-", c.width)
}

func (c column) cell(i int) string {
	space := strings.Repeat(" ", c.width-utf8.RuneCountInString(c.cells[i]))
	if c.right[i] {
		return space + c.cells[i]
	}
	return c.cells[i] + space
}
