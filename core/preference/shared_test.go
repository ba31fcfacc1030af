package preference

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

// trlIDs is a pair of TRL 1.16 before truncation.
type trlIDs struct {
	Prompt   []int32 `json:"prompt_ids"`
	Chosen   []int32 `json:"chosen_ids"`
	Rejected []int32 `json:"rejected_ids"`
}

// formatsGolden is golden/trl/tokenization.json.gz.
type formatsGolden struct {
	Conversational         idsGolden   `json:"conversational"`
	ConversationalImplicit idsGolden   `json:"conversational_implicit_prompt"`
	Standard               idsGolden   `json:"standard"`
	StandardImplicit       idsGolden   `json:"standard_implicit_prompt"`
	Boundary               []boundary  `json:"standard_boundary_check"`
	Max64                  truncGolden `json:"conversational_max64"`
	Max100                 truncGolden `json:"conversational_max100"`
}

type idsGolden struct {
	Rows []json.RawMessage
	IDs  []trlIDs
}

type boundary struct {
	Row       json.RawMessage `json:"row"`
	PromptIDs []int32         `json:"prompt_ids"`
	ChosenIDs []int32         `json:"chosen_ids"`
	Full      []int32         `json:"full_prompt_ids"`
}

type truncGolden struct {
	MaxLength int `json:"max_length"`
	IDs       []trlIDs
	Collated  struct {
		InputIDs       [][]int32 `json:"input_ids"`
		AttentionMask  [][]int   `json:"attention_mask"`
		CompletionMask [][]int   `json:"completion_mask"`
	} `json:"collated_first4"`
	Dropped []int
}

func TestSharedFormats(t *testing.T) {
	var g formatsGolden
	readGzip(t, filepath.Join(testenv.Shared(t), "golden", "trl", "tokenization.json.gz"), &g)
	enc := newEncoder(t, testenv.SmolLM2(t), Profile{MaxLength: 1 << 20})
	for name, c := range map[string]idsGolden{
		"conversational":          g.Conversational,
		"conversational implicit": g.ConversationalImplicit,
		"standard":                g.Standard,
		"standard implicit":       g.StandardImplicit,
	} {
		t.Run(name, func(t *testing.T) {
			if len(c.Rows) != len(c.IDs) || len(c.Rows) < 10 {
				t.Fatalf("%d rows, %d ids", len(c.Rows), len(c.IDs))
			}
			for i, raw := range c.Rows {
				x := encodeJSON(t, enc, raw)
				checkIDs(t, i, x.encoded, c.IDs[i])
			}
		})
	}
	t.Run("boundary", func(t *testing.T) {
		for i, b := range g.Boundary {
			x := encodeJSON(t, enc, b.Row)
			if !slices.Equal(x.pair.PromptIDs, b.PromptIDs) || !slices.Equal(x.pair.ChosenIDs, b.ChosenIDs) {
				t.Errorf("%d: %v %v, want %v %v", i, x.pair.PromptIDs, x.pair.ChosenIDs, b.PromptIDs, b.ChosenIDs)
			}
			if x.nonPrefix != (len(b.Full) != len(b.PromptIDs)) {
				t.Errorf("%d: nonPrefix %v", i, x.nonPrefix)
			}
		}
	})
}

func TestSharedTruncation(t *testing.T) {
	var g formatsGolden
	readGzip(t, filepath.Join(testenv.Shared(t), "golden", "trl", "tokenization.json.gz"), &g)
	for _, c := range []truncGolden{g.Max64, g.Max100} {
		enc := newEncoder(t, testenv.SmolLM2(t), Profile{MaxLength: c.MaxLength})
		var got []located
		var dropped []int
		for i, raw := range g.Conversational.Rows {
			if x := encodeJSON(t, enc, raw); x.fate == kept {
				got = append(got, x)
			} else {
				dropped = append(dropped, i)
			}
		}
		if !slices.Equal(dropped, c.Dropped) || len(got) != len(c.IDs) {
			t.Fatalf("max_length %d: %d kept, dropped %v; TRL %d, %v", c.MaxLength, len(got), dropped, len(c.IDs), c.Dropped)
		}
		for i, x := range got {
			if !slices.Equal(x.full.prompt, c.IDs[i].Prompt) || !slices.Equal(x.full.chosen, c.IDs[i].Chosen) || !slices.Equal(x.full.rejected, c.IDs[i].Rejected) {
				t.Errorf("max_length %d: pair %d differs before the cut", c.MaxLength, i)
			}
		}
		half := len(c.Collated.InputIDs) / 2
		for i := range half {
			p := got[i].pair
			checkRow(t, "chosen", false, p.PromptIDs, p.ChosenIDs, c.masked(i), c.completion(i))
			checkRow(t, "rejected", false, p.PromptIDs, p.RejectedIDs, c.masked(half+i), c.completion(half+i))
		}
	}
}

// masked returns a collated row without its padding.
func (c truncGolden) masked(i int) []int32 {
	n := 0
	for _, m := range c.Collated.AttentionMask[i] {
		n += m
	}
	return c.Collated.InputIDs[i][:n]
}

func (c truncGolden) completion(i int) int {
	n := 0
	for _, m := range c.Collated.CompletionMask[i] {
		n += m
	}
	return n
}

// traced names the pairs of a trace by the row of a shared file.
type traced struct {
	Source string `json:"src"`
	Index  int    `json:"idx"`
}

// TestSharedTraces loads whole files and finds in them the ids that TRL's traces
// were made with.
func TestSharedTraces(t *testing.T) {
	shared := testenv.Shared(t)
	var smol struct {
		Pairs []traced
		IDs   []trlIDs
	}
	readGzip(t, filepath.Join(shared, "golden", "trl", "smollm2_dpo.json.gz"), &smol)
	checkTrace(t, newEncoder(t, testenv.SmolLM2(t), Profile{MaxLength: 1 << 20}), smol.Pairs, smol.IDs)

	var tiny struct {
		Pairs1, Pairs2 []traced
		IDs1, IDs2     []trlIDs
	}
	readGzip(t, filepath.Join(shared, "golden", "trl", "traces_tiny", "c_sdpo.json.gz"), &tiny)
	enc := newEncoder(t, filepath.Join(shared, "golden", "trl", "tiny"), Profile{MaxLength: 1 << 20})
	checkTrace(t, enc, tiny.Pairs1, tiny.IDs1)
	checkTrace(t, enc, tiny.Pairs2, tiny.IDs2)
}

func checkTrace(t *testing.T, enc *Encoder, pairs []traced, want []trlIDs) {
	t.Helper()
	if len(pairs) == 0 || len(pairs) != len(want) {
		t.Fatalf("%d pairs, %d ids", len(pairs), len(want))
	}
	files := map[string][]encoded{}
	for i, p := range pairs {
		if files[p.Source] == nil {
			files[p.Source] = encodeFile(t, enc, sharedFile(t, p.Source))
		}
		checkIDs(t, i, files[p.Source][p.Index], want[i])
	}
}

// sharedFile returns the file of shared preference data that a name stands for.
func sharedFile(t testing.TB, source string) string {
	t.Helper()
	path, ok := map[string]string{
		"ultrafeedback": "ultrafeedback/train_clean.jsonl",
		"orca_azure":    "orca_azure/validation.jsonl",
		"hh-rlhf":       "hh-rlhf/harmless-base-test.jsonl.gz",
		"llama-en":      "llama-factory/dpo_en_demo.json",
		"llama-zh":      "llama-factory/dpo_zh_demo.json",
		"pandalm":       "pandalm/testset-v1.json",
	}[source]
	if !ok {
		t.Fatalf("no file for %q", source)
	}
	return filepath.Join(testenv.Shared(t), "pref", filepath.FromSlash(path))
}

// encodeFile encodes every row of a file.
func encodeFile(t testing.TB, enc *Encoder, path string) []encoded {
	t.Helper()
	var out []encoded
	for x, err := range encodeRows(t.Context(), Spec{Path: path}, enc) {
		if err != nil || x.refused != nil {
			t.Fatal(err, x.refused)
		}
		out = append(out, x.encoded)
	}
	return out
}

// encodeJSON encodes a row in TRL's format.
func encodeJSON(t testing.TB, enc *Encoder, raw []byte) located {
	t.Helper()
	x, err := enc.encodeRow(row{place: place{"row", 1}, json: raw}, trl)
	if err != nil || x.refused != nil {
		t.Fatal(err, x.refused)
	}
	return x
}

func checkIDs(t *testing.T, i int, x encoded, want trlIDs) {
	t.Helper()
	p := x.pair
	if x.fate != kept || !slices.Equal(p.PromptIDs, want.Prompt) || !slices.Equal(p.ChosenIDs, want.Chosen) || !slices.Equal(p.RejectedIDs, want.Rejected) {
		t.Errorf("%d (fate %d):\n got %v %v %v\nwant %v", i, x.fate, p.PromptIDs, p.ChosenIDs, p.RejectedIDs, want)
	}
}
