package tokenizer

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// plainBPE is the part of a golden's tokenizer.json that other formats hold too.
type plainBPE struct {
	AddedTokens []AddedToken `json:"added_tokens"`
	Model       struct {
		Vocab  map[string]int32 `json:"vocab"`
		Merges [][2]string      `json:"merges"`
	} `json:"model"`
}

// tokensByID returns the vocabulary in the order of the ids.
func (p *plainBPE) tokensByID() []string {
	out := make([]string, len(p.Model.Vocab))
	for s, id := range p.Model.Vocab {
		out[id] = s
	}
	return out
}

func readPlain(t *testing.T, name string) (p plainBPE) {
	t.Helper()
	if err := json.Unmarshal(readGolden(t, name).Tokenizer, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// checkIDs compares with the ids of a golden file.
func checkIDs(t *testing.T, tok *Tokenizer, name string) {
	t.Helper()
	for _, c := range readGolden(t, name).Cases {
		if got := tok.Encode(c.text, false); c.IDs != nil && !slices.Equal(got, c.IDs) {
			t.Errorf("ids of %q:\n got %v\nwant %v", c.text, tokens(tok, got), tokens(tok, c.IDs))
		}
	}
}

// byteLevelGGUF writes a golden tokenizer as a GGUF file describes it.
func byteLevelGGUF(t *testing.T, name, pre string) GGUF {
	p := readPlain(t, name)
	g := GGUF{Model: "gpt2", Pre: pre, Tokens: p.tokensByID(), BOS: -1, EOS: -1, UNK: -1, PAD: -1}
	for _, m := range p.Model.Merges {
		g.Merges = append(g.Merges, m[0]+" "+m[1])
	}
	for range g.Tokens {
		g.Types = append(g.Types, 1)
	}
	for _, a := range p.AddedTokens {
		g.Tokens = append(g.Tokens, a.Content)
		g.Types = append(g.Types, typeControl)
	}
	return g
}

func parseGGUF(t *testing.T, g GGUF) *Tokenizer {
	t.Helper()
	data, err := FromGGUF(g)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestGGUFByteLevel(t *testing.T) {
	for name, pre := range map[string]string{"smollm": "smollm", "gpt2": "gpt-2", "llama3": "llama-bpe", "qwen2": "qwen2"} {
		t.Run(name, func(t *testing.T) {
			checkIDs(t, parseGGUF(t, byteLevelGGUF(t, name, pre)), name)
		})
	}
}

func TestGGUFFrame(t *testing.T) {
	g := byteLevelGGUF(t, "smollm", "smollm")
	g.BOS = int32(len(g.Tokens) - 1)
	g.EOS, g.AddBOS, g.AddEOS = g.BOS, true, true
	tok := parseGGUF(t, g)
	plain := tok.Encode("one 2", false)
	if got := tok.Encode("one 2", true); !slices.Equal(got, slices.Concat([]int32{g.BOS}, plain, []int32{g.EOS})) {
		t.Errorf("ids %v", got)
	}
}

func TestGGUFSentencePiece(t *testing.T) {
	model, err := base64.StdEncoding.DecodeString(readGolden(t, "sentencepiece-bpe").Model)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseSPM(model)
	if err != nil {
		t.Fatal(err)
	}
	g := GGUF{Model: "llama", BOS: 1, EOS: 2, UNK: 0, PAD: -1, AddSpacePrefix: true}
	for _, p := range m.pieces {
		g.Tokens = append(g.Tokens, p.text)
		g.Scores = append(g.Scores, p.score)
		g.Types = append(g.Types, p.kind)
	}
	checkIDs(t, parseGGUF(t, g), "sentencepiece-bpe")
}

func TestGGUFRefuses(t *testing.T) {
	for want, change := range map[string]func(*GGUF){
		`model "bert"`:            func(g *GGUF) { g.Model = "bert" },
		`pre-tokenizer "default"`: func(g *GGUF) { g.Pre = "default" },
		"id 99999 is not one":     func(g *GGUF) { g.BOS = 99999 },
		"no bos_token_id":         func(g *GGUF) { g.AddBOS = true },
		"no eos_token_id":         func(g *GGUF) { g.AddEOS = true },
		"1 types for":             func(g *GGUF) { g.Types = g.Types[:1] },
		"are both":                func(g *GGUF) { g.Tokens[1] = g.Tokens[0] },
		"0 scores for":            func(g *GGUF) { g.Model = "llama" },
	} {
		g := byteLevelGGUF(t, "smollm", "smollm")
		change(&g)
		if _, err := FromGGUF(g); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %s", err, want)
		}
	}
}

// tiktokenFile writes a golden's vocabulary as a tiktoken file.
func tiktokenFile(t *testing.T, p plainBPE) (file string, tokens [][]byte) {
	t.Helper()
	var b strings.Builder
	for id, s := range p.tokensByID() {
		raw, ok := toBytes(s)
		if !ok {
			t.Fatalf("%q is not byte-level", s)
		}
		tokens = append(tokens, []byte(raw))
		fmt.Fprintf(&b, "%s %d\n", base64.StdEncoding.EncodeToString([]byte(raw)), id)
	}
	return b.String(), tokens
}

func TestTiktoken(t *testing.T) {
	p := readPlain(t, "llama3")
	file, tokens := tiktokenFile(t, p)
	if !looksLikeTiktoken([]byte(file)) {
		t.Error("not taken for a tiktoken file")
	}
	tiktokenKinds[len(tokens)] = tiktokenKind{pattern: patternLlama3, special: []string{p.AddedTokens[0].Content}}
	defer delete(tiktokenKinds, len(tokens))
	data, err := fromTiktoken([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	checkIDs(t, tok, "llama3")
}

func TestTiktokenRefuses(t *testing.T) {
	for file, want := range map[string]string{
		"IQ== 0\nIg== 1\n": "no known tokenizer has 2 tokens",
		"IQ== 0\nIg== 2\n": "line 2: rank 2 where 1 is due",
		"IQ== 0\nIg\n":     "line 2",
	} {
		if _, err := fromTiktoken([]byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v does not say %q", file, err, want)
		}
	}
}
