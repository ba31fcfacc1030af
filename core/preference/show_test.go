package preference

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

func TestShowFile(t *testing.T) {
	rows := strings.Join([]string{
		`{"prompt":[{"role":"user","content":"Hello  world!\n\tNice "}],"chosen":[{"role":"assistant","content":"Café\u001b[2J"}],"rejected":[{"role":"assistant","content":" no"}]}`,
		`{"prompt":"The answer is ","chosen":"yes","rejected":"no"}`,
		`{"prompt":"Hello","chosen":"","rejected":" no"}`,
		`{"prompt":"x","chosen":"never shown","rejected":"y"}`,
	}, "\n")
	enc := newEncoder(t, "testdata/chatml", Profile{})
	var b bytes.Buffer
	if err := ShowFile(t.Context(), &b, Spec{Path: write(t, "a.jsonl", []byte(rows))}, enc, 3, false); err != nil {
		t.Fatal(err)
	}
	counts := regexp.MustCompile(`\d+ (tokens|cut)`)
	got := counts.ReplaceAllString(b.String(), "N $1")
	want := `== trl, line 1
-- prompt N tokens
| ⟦<|im_start|>⟧system⏎
| You are a helpful assistant.⟦<|im_end|>⟧⏎
| ⟦<|im_start|>⟧user⏎
| Hello··world!⏎
| ⇥Nice·⟦<|im_end|>⟧⏎
| ⟦<|im_start|>⟧assistant⏎
-- chosen N tokens
| Café⟨U+001B⟩[2J⟦<|im_end|>⟧⏎
-- rejected N tokens
| ·no⟦<|im_end|>⟧⏎

== trl, line 2
!! the prompt's tokens alone are not the beginning of the pair's; it ends where they part
-- prompt N tokens
| The answer is
-- chosen N tokens
| ·yes⟦<|im_end|>⟧
-- rejected N tokens
| ·no⟦<|im_end|>⟧

== trl, line 3
!! dropped: empty completion
-- prompt 0 tokens
| Hello
-- chosen 0 tokens
-- rejected 0 tokens
| ·no

`
	want = counts.ReplaceAllString(want, "N $1")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestShowRefused(t *testing.T) {
	rows := `{"prompt":"Hello","chosen":" yes<|im_end|>","rejected":" no"}` + "\n" + `{"prompt":"Hello","chosen":" yes","rejected":" no"}`
	spec := Spec{Path: write(t, "a.jsonl", []byte(rows))}
	var b bytes.Buffer
	if err := ShowFile(t.Context(), &b, spec, textEncoder(t, Profile{Name: TRL028}), 2, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"!! refused: chosen ends in EOS \"<|im_end|>\" twice", "| ·yes⟦<|im_end|>⟧⟦<|im_end|>⟧\n", "== trl, line 2\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	if err := ShowFile(t.Context(), &b, spec, textEncoder(t, Profile{}), 0, false); err == nil {
		t.Error("0 rows are shown without an error")
	}
}

func TestShowTruncated(t *testing.T) {
	enc := newEncoder(t, "testdata/inst", Profile{MaxLength: 8})
	x := encodeJSON(t, enc, []byte(`{"prompt":"Hello","chosen":" 1234567890","rejected":" no"}`))
	p := printer{tok: enc.tok}
	p.pair(x.encoded)
	lost := len(x.full.chosen) - len(x.pair.ChosenIDs)
	if lost <= 0 || !strings.Contains(p.String(), "tokens ("+describe(int64(lost))+" cut)") || !strings.Contains(p.String(), "| ·1") {
		t.Errorf("%d tokens lost:\n%s", lost, p.String())
	}
}

func TestShowColours(t *testing.T) {
	enc := newEncoder(t, "testdata/chatml", Profile{})
	x := encodeJSON(t, enc, []byte(`{"prompt":"Hello\nworld","chosen":" yes","rejected":" no"}`))
	shown := func(color bool) string {
		p := printer{tok: enc.tok, color: color}
		p.pair(x.encoded)
		return p.String()
	}
	plain, colored := shown(false), shown(true)
	for _, style := range []string{blue + "Hello⏎" + normal + "\n", green + "·yes" + normal, red + "·no" + normal, red + invert + "⟦<|im_end|>⟧" + normal} {
		if !strings.Contains(colored, style) {
			t.Errorf("%q is not in %q", style, colored)
		}
	}
	if bare := regexp.MustCompile(`\x1b\[\d+m`).ReplaceAllString(colored, ""); bare != plain {
		t.Errorf("the colours change the text:\n%s\n%s", bare, plain)
	}
}

func TestShowText(t *testing.T) {
	p := printer{tok: newEncoder(t, "testdata/chatml", Profile{}).tok}
	p.pair(encoded{pair: core.Pair{Prompt: "a", Chosen: "b ", Rejected: "c"}})
	if want := "-- prompt 0 tokens\n| a\n-- chosen 0 tokens\n| b·\n-- rejected 0 tokens\n| c\n\n"; p.String() != want {
		t.Errorf("%q", p.String())
	}
}

func TestVisibleText(t *testing.T) {
	for s, want := range map[string]string{
		"a b":          "a b",
		" a  b ":       "·a··b·",
		"a \n\tb":      "a·⏎\n⇥b",
		"\x00\r\x7f":   "⟨U+0000⟩⟨U+000D⟩⟨U+007F⟩",
		"a\u00a0b":     "a⟨U+00A0⟩b",
		"\u200b\u202e": "⟨U+200B⟩⟨U+202E⟩",
		"日本é":          "日本é",
		"\xff":         "\ufffd",
	} {
		if got := visibleText(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}
