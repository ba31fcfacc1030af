package scorer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/chat"
	"github.com/stepwise-dpo/stepwise/core/coretest"
	"github.com/stepwise-dpo/stepwise/core/scorer"
)

var embedded = filepath.Join("..", "..", "examples", "embedded", "model")

// codec loads the example's tokenizer, with a post-processor that adds BOS where
// that is asked for.
func codec(t *testing.T, bos bool) *scorer.Codec {
	t.Helper()
	dir := embedded
	if bos {
		dir = t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(embedded)); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, "tokenizer.json"))
		if err != nil {
			t.Fatal(err)
		}
		process := `{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
			"pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
			"special_tokens": {"<|im_start|>": {"id": "<|im_start|>", "ids": [491], "tokens": ["<|im_start|>"]}}}`
		raw = bytes.Replace(raw, []byte(`"post_processor": null`), []byte(`"post_processor": `+process), 1)
		if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := scorer.LoadCodec(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestEncodePair compares with lm-eval's own code (testdata/make_goldens.py).
func TestEncodePair(t *testing.T) {
	raw, err := os.ReadFile("testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		BOS                   bool
		Context, Continuation string
		ContextIDs            []int32 `json:"context_ids"`
		ContinuationIDs       []int32 `json:"continuation_ids"`
	}
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) == 0 {
		t.Fatal(len(cases), err)
	}
	for _, bos := range []bool{false, true} {
		s := scorer.New(nil, codec(t, bos), core.ModelInfo{MaxLength: 256}, nil)
		for _, c := range cases {
			if c.BOS != bos {
				continue
			}
			e, err := s.Encode(context.Background(), []core.Text{{Prompt: c.Context, Completions: []string{c.Continuation}}}, core.EncodeRules{})
			if len(c.ContinuationIDs) == 0 { // a merge swallowed it, and lm-eval stops at an assertion
				if err == nil || !strings.Contains(err.Error(), "adds no token") {
					t.Errorf("%q + %q: error %v", c.Context, c.Continuation, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			item := e[0].Items[0]
			if !slices.Equal(item.Prompt, c.ContextIDs) || !slices.Equal(item.Completions[0], c.ContinuationIDs) {
				t.Errorf("BOS %v, %q + %q: %v + %v, lm-eval has %v + %v", bos, c.Context, c.Continuation, item.Prompt, item.Completions[0], c.ContextIDs, c.ContinuationIDs)
			}
		}
	}
}

// TestWindow: of prompt + completion the last MaxLength+1 tokens stay, each
// completion cutting the prompt for itself, or nothing is cut and it is said.
func TestWindow(t *testing.T) {
	s := scorer.New(nil, codec(t, false), core.ModelInfo{MaxLength: 256}, nil)
	text := core.Text{Prompt: strings.Repeat("What does the cat say? ", 4) + "A", Completions: []string{" b", strings.Repeat(" c", 5)}}
	encode := func(r core.EncodeRules) (core.Encoded, error) {
		e, err := s.Encode(context.Background(), []core.Text{text}, r)
		if err != nil {
			return core.Encoded{}, err
		}
		return e[0], nil
	}
	whole, err := encode(core.EncodeRules{})
	if err != nil || len(whole.Items) != 1 || whole.Truncated != 0 {
		t.Fatalf("%+v, %v", whole, err)
	}
	prompt := whole.Items[0].Prompt
	for _, window := range []int{len(prompt) - 2, len(prompt), 8} {
		cut, err := encode(core.EncodeRules{MaxLength: window})
		if err != nil {
			t.Fatal(err)
		}
		for i, item := range cut.Items {
			c := whole.Items[0].Completions[i]
			want := slices.Concat(prompt, c)
			if over := len(want) - (window + 1); over > 0 {
				want = want[over:]
			}
			if !slices.Equal(slices.Concat(item.Prompt, item.Completions[0]), want) {
				t.Errorf("window %d, completion %d: %v + %v, want %v", window, i, item.Prompt, item.Completions[0], want)
			}
		}
		if _, err := encode(core.EncodeRules{MaxLength: window, NoTruncation: true}); err == nil || !strings.Contains(err.Error(), "window") {
			t.Errorf("window %d without truncation: %v", window, err)
		}
	}
	if _, err := encode(core.EncodeRules{MaxLength: 3}); err == nil || !strings.Contains(err.Error(), "completion 1 has") {
		t.Errorf("a completion longer than the window: %v", err)
	}
}

// TestMessages: conversations go through the template, with its generation
// prompt.
func TestMessages(t *testing.T) {
	s := scorer.New(nil, codec(t, false), core.ModelInfo{MaxLength: 256}, nil)
	e, err := s.Encode(context.Background(), []core.Text{{Messages: []core.Message{{Role: "user", Content: "Hi"}}, Completions: []string{"Ho"}}}, core.EncodeRules{})
	if want := "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"; err != nil || e[0].Prompt != want {
		t.Errorf("prompt %q, %v, want %q", e[0].Prompt, err, want)
	}
}

// TestAt: what a template prints as the date is that of the codec's time.
func TestAt(t *testing.T) {
	c := codec(t, false)
	template, err := chat.Parse("{{ strftime_now('%d %b %Y') }}")
	if err != nil {
		t.Fatal(err)
	}
	c.Template = template
	if got, err := c.At(time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)).Render(nil); err != nil || got != "03 Feb 2001" {
		t.Errorf("rendered %q, %v", got, err)
	}
	c.Template = nil
	if c.At(time.Now()).Template != nil {
		t.Error("a model without a template has got one")
	}
}

// TestSpecialTokens: a template is told all of them, as in transformers.
func TestSpecialTokens(t *testing.T) {
	c := codec(t, false)
	template, err := chat.Parse("{{ bos_token }} {{ eos_token }} {{ pad_token }}")
	if err != nil {
		t.Fatal(err)
	}
	c.Template = template
	if got, err := c.Render(nil); err != nil || got != "<|im_start|> <|im_end|> <|im_end|>" {
		t.Errorf("rendered %q, %v", got, err)
	}
}

// counting counts the items that reach the model.
type counting struct {
	core.Model
	items int
}

func (c *counting) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	c.items += len(items)
	return c.Model.LogProbs(ctx, items, d)
}

// TestCache: what was scored is not scored again, unless weights, numerics or
// ids differ, and a stored key brings a score back.
func TestCache(t *testing.T) {
	ctx := context.Background()
	m := &counting{Model: coretest.NewModel(coretest.Vocab, 8, 1)}
	cache := scorer.NewCache()
	info := core.ModelInfo{WeightsHash: "a", Backend: "b", DType: "float32", VocabSize: coretest.Vocab}
	items := coretest.Sources()[0].Items()
	score := func(info core.ModelInfo, c *scorer.Cache, items []core.Item) [][]core.Score {
		t.Helper()
		s, err := scorer.New(m, nil, info, c).LogProbs(ctx, items, core.Detail{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := score(info, cache, items[:5])
	again := score(info, cache, items[:7])
	if m.items != 7 || again[2][0].LogProb != first[2][0].LogProb {
		t.Errorf("%d items were scored, want 7", m.items)
	}
	for _, other := range []core.ModelInfo{
		{WeightsHash: "x", Backend: "b", DType: "float32", VocabSize: coretest.Vocab},
		{WeightsHash: "a", Backend: "x", DType: "float32", VocabSize: coretest.Vocab},
		{WeightsHash: "a", Backend: "b", DType: "bf16", VocabSize: coretest.Vocab},
	} {
		before := m.items
		if score(other, cache, items[:1]); m.items != before+1 {
			t.Errorf("%+v was answered from the cache", other)
		}
	}
	fresh := scorer.NewCache()
	fresh.Add(scorer.Key(info, items[0]), first[0])
	before := m.items
	if s := score(info, fresh, items[:1]); m.items != before || s[0][1].LogProb != first[0][1].LogProb {
		t.Error("a stored score was not found by its key")
	}
}

// TestRefusals: what no model can score does not reach it.
func TestRefusals(t *testing.T) {
	s := scorer.New(coretest.NewModel(coretest.Vocab, 8, 1), nil, core.ModelInfo{VocabSize: coretest.Vocab}, nil)
	for want, item := range map[string]core.Item{
		"prompt has no token":       {Completions: [][]int32{{1}}},
		"completion 1 has no token": {Prompt: []int32{1}, Completions: [][]int32{{1}, {}}},
		"outside of the vocabulary": {Prompt: []int32{1}, Completions: [][]int32{{coretest.Vocab}}},
	} {
		if _, err := s.LogProbs(context.Background(), []core.Item{item}, core.Detail{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
