package preference

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ShowFile prints the first n rows of the source as the model will see them, and
// of rows that are truncated, dropped or refused what happens to them and why. A
// row that cannot be read is an error, as in [Load].
func ShowFile(ctx context.Context, w io.Writer, s Spec, enc *Encoder, n int, color bool) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("source %q: %w", s.Name, err)
	}
	if n < 1 {
		return fmt.Errorf("source %q: %d rows to show; at least 1 is needed", s.Name, n)
	}
	for x, err := range encodeRows(ctx, s, enc) {
		if err != nil {
			return fmt.Errorf("source %q: %w", s.Name, err)
		}
		p := printer{tok: enc.tok, color: color}
		p.title(fmt.Sprintf("%s, %v", x.format, x.place), x.remarks())
		p.pair(x.encoded)
		if _, err := io.WriteString(w, p.String()); err != nil {
			return err
		}
		if n--; n == 0 {
			break
		}
	}
	return nil
}

// remarks says what is unusual about a row.
func (x located) remarks() []string {
	var out []string
	switch x.fate {
	case tied:
		return []string{"dropped: the votes are tied"}
	case emptyCompletion:
		out = append(out, "dropped: empty completion")
	case noPrompt:
		out = append(out, "dropped: no prompt")
	case tooLong:
		out = append(out, "dropped: nothing of the prompt or of a completion is left within max_length")
	}
	if x.refused != nil {
		out = append(out, "refused: "+x.refused.Error())
	}
	if x.levelled {
		out = append(out, "the prompt is cut as far as the longer completion needs")
	}
	if x.nonPrefix {
		out = append(out, "the prompt's tokens alone are not the beginning of the pair's; it ends where they part")
	}
	return out
}

// The colours of the parts, as ANSI sequences.
const (
	blue   = "\x1b[34m"
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	invert = "\x1b[7m"
	normal = "\x1b[0m"
)

// printer collects what is to be shown.
type printer struct {
	strings.Builder
	tok   decoder
	color bool
}

// decoder is what a printer needs of a tokenizer.
type decoder interface {
	Decode(ids []int32, skipSpecial bool) string
	Token(id int32) (string, bool)
	IsSpecial(id int32) bool
}

// style returns s in the given style where colours are wanted.
func (p *printer) style(s, style string) string {
	if !p.color || s == "" {
		return s
	}
	return style + s + normal
}

func (p *printer) title(s string, remarks []string) {
	fmt.Fprintf(p, "%s\n", p.style("== "+s, bold))
	for _, r := range remarks {
		fmt.Fprintf(p, "%s\n", p.style("!! "+r, yellow))
	}
}

// pair prints the three parts: prompt, chosen and rejected, special tokens and white
// space made visible, in colours where wanted and with marks in any case. A pair
// without ids is printed as text.
func (p *printer) pair(x encoded) {
	lostPrompt, lostChosen, lostRejected := x.lost()
	prompt := x.pair.PromptIDs
	p.part("prompt", blue, x.pair.Prompt, nil, prompt, lostPrompt)
	p.part("chosen", green, x.pair.Chosen, prompt, x.pair.ChosenIDs, lostChosen)
	p.part("rejected", red, x.pair.Rejected, prompt, x.pair.RejectedIDs, lostRejected)
	p.WriteByte('\n')
}

// part prints one part of the pair, each line behind a bar: its ids, which
// follow those of before, or its text where there are none.
func (p *printer) part(name, color, text string, before, ids []int32, lost int) {
	count := fmt.Sprintf("%d tokens", len(ids))
	if lost > 0 {
		count += fmt.Sprintf(" (%d cut)", lost)
	}
	fmt.Fprintf(p, "%s %s\n", p.style("-- "+name, bold), count)
	if len(ids) > 0 {
		text = p.visible(before, ids, color)
	} else {
		text = p.styleLines(visibleText(text), color)
	}
	for line := range strings.Lines(text) {
		fmt.Fprintf(p, "| %s\n", strings.TrimSuffix(line, "\n"))
	}
}

// visible returns the text of the ids that follow those of before. Special
// tokens stand in brackets of their own; white space that is easily overlooked
// and control characters have visible signs.
func (p *printer) visible(before, ids []int32, color string) string {
	row := slices.Concat(before, ids)
	var b strings.Builder
	for start := len(before); start < len(row); {
		if p.tok.IsSpecial(row[start]) {
			token, _ := p.tok.Token(row[start])
			b.WriteString(p.style("⟦"+visibleText(token)+"⟧", color+invert))
			start++
			continue
		}
		end := start + 1
		for end < len(row) && !p.tok.IsSpecial(row[end]) {
			end++
		}
		b.WriteString(p.styleLines(visibleText(p.decode(row, start, end)), color))
		start = end
	}
	return b.String()
}

// decode returns the text of row[start:end], as the tokenizer decodes it in its
// place: at the beginning of a row some leave out a space.
func (p *printer) decode(row []int32, start, end int) string {
	if text, ok := strings.CutPrefix(p.tok.Decode(row[:end], false), p.tok.Decode(row[:start], false)); ok {
		return text
	}
	return p.tok.Decode(row[start:end], false)
}

// styleLines styles each line by itself, so that none leaves the style on.
func (p *printer) styleLines(s, style string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		body, end := strings.CutSuffix(line, "\n")
		b.WriteString(p.style(body, style))
		if end {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
