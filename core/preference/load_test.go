package preference

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/core/tokenizer"
)

// textRows writes n rows of text, each different.
func textRows(t testing.TB, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"prompt\":\"Count to %d.\",\"chosen\":\" yes %d\",\"rejected\":\" no\"}\n", i, i)
	}
	return write(t, "rows.jsonl", []byte(b.String()))
}

// textEncoder has a tokenizer and no template.
func textEncoder(t testing.TB, p Profile) *Encoder {
	t.Helper()
	tok, err := tokenizer.Load("testdata/chatml")
	if err != nil {
		t.Fatal(err)
	}
	enc, err := NewEncoder(tok, nil, p)
	if err != nil {
		t.Fatal(err)
	}
	return enc
}

func TestLoadCounts(t *testing.T) {
	enc := textEncoder(t, Profile{MaxLength: 24})
	long := strings.Repeat(" a boat", 30)
	rows := []string{
		`{"prompt":"Hello","chosen":" world!","rejected":" no"}`,
		`{"prompt":"Hello","chosen":" world!","rejected":" no"}`,  // duplicate
		`{"prompt":"Hello","chosen":" yes","rejected":" yes"}`,    // identical
		`{"prompt":"Hello","chosen":"","rejected":" no"}`,         // empty
		`{"prompt":"Hello","chosen":" yes","rejected":" \n"}`,     // blank
		`{"prompt":"","chosen":" yes","rejected":" no"}`,          // no prompt
		`{"prompt":"` + long + `","chosen":" a","rejected":" b"}`, // too long
		`{"prompt":"A","chosen":"` + long + `","rejected":" b"}`,  // truncated
		`{"prompt":"The answer is ","chosen":"yes","rejected":"no"}`,
	}
	path := write(t, "a.jsonl", []byte(strings.Join(rows, "\n")))
	train, heldout, r, err := Load(t.Context(), Spec{Name: "a", Path: path}, enc, 1)
	if err != nil {
		t.Fatal(err)
	}
	got := [...]int{r.Rows, r.Train, r.Heldout, r.Duplicates, r.Identical, r.EmptyCompletions, r.NoPrompt, r.TooLong, r.Truncated, r.NonPrefix, r.Dropped()}
	want := [...]int{9, 5, 0, 1, 1, 2, 1, 1, 1, 1, 4}
	if got != want {
		t.Errorf("counts %v, want %v", got, want)
	}
	if len(train.Pairs) != 5 || len(heldout.Pairs) != 0 || train.Name != "a" || train.Pairs[0].Chosen != " world!" {
		t.Errorf("train %+v", train)
	}
	for _, p := range train.Pairs {
		if n := len(p.PromptIDs) + max(len(p.ChosenIDs), len(p.RejectedIDs)); n > 24 {
			t.Errorf("%d tokens", n)
		}
	}
	longest := len(enc.tok.Encode(long+" a<|im_end|>", false))
	if !strings.Contains(r.String(), fmt.Sprintf("max_length = %d would cut nothing", longest)) {
		t.Errorf("the report names no remedy of %d tokens:\n%s", longest, r)
	}
}

func TestLoadLimitAndOrder(t *testing.T) {
	enc := textEncoder(t, Profile{})
	train, _, r, err := Load(t.Context(), Spec{Name: "a", Path: textRows(t, 500), Limit: 123}, enc, 1)
	if err != nil || len(train.Pairs) != 123 || r.Rows != 123 {
		t.Fatalf("%d pairs, %d rows, %v", len(train.Pairs), r.Rows, err)
	}
	for i, p := range train.Pairs {
		if p.Prompt != fmt.Sprintf("Count to %d.", i) {
			t.Fatalf("pair %d: %q", i, p.Prompt)
		}
	}
}

func TestLoadHoldsOut(t *testing.T) {
	enc := textEncoder(t, Profile{})
	path := textRows(t, 200)
	load := func(name string, fraction float64, seed int64) (core.Source, core.Source) {
		train, heldout, r, err := Load(t.Context(), Spec{Name: name, Path: path, EvalFraction: fraction}, enc, seed)
		if err != nil || r.Train != len(train.Pairs) || r.Heldout != len(heldout.Pairs) || r.Train+r.Heldout != 200 {
			t.Fatalf("%d + %d pairs, report %d + %d, %v", len(train.Pairs), len(heldout.Pairs), r.Train, r.Heldout, err)
		}
		return train, heldout
	}
	train, heldout := load("a", .1, 7)
	if len(heldout.Pairs) != 20 {
		t.Errorf("%d held out", len(heldout.Pairs))
	}
	for _, p := range heldout.Pairs {
		if slices.ContainsFunc(train.Pairs, func(q core.Pair) bool { return q.Prompt == p.Prompt }) {
			t.Errorf("%q on both sides", p.Prompt)
		}
	}
	if _, again := load("a", .1, 7); !reflect.DeepEqual(again, heldout) {
		t.Error("the same seed holds out other pairs")
	}
	if _, other := load("a", .1, 8); reflect.DeepEqual(other.Pairs, heldout.Pairs) {
		t.Error("another seed holds out the same pairs")
	}
	if _, one := load("a", .0001, 7); len(one.Pairs) != 1 {
		t.Errorf("a small fraction holds out %d", len(one.Pairs))
	}
	if rest, _ := load("a", .9999, 7); len(rest.Pairs) != 1 {
		t.Errorf("a large fraction leaves %d", len(rest.Pairs))
	}
}

func TestHoldOutKeepsPromptsTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pairs := make([]core.Pair, 300)
	for i := range pairs {
		pairs[i].PromptIDs = []int32{r.Int32N(60)}
	}
	out := holdOut(pairs, Spec{Name: "x", EvalFraction: .2}, 3)
	side, n := map[int32]bool{}, 0
	for i, p := range pairs {
		if was, ok := side[p.PromptIDs[0]]; ok && was != out[i] {
			t.Fatalf("prompt %d on both sides", p.PromptIDs[0])
		}
		side[p.PromptIDs[0]] = out[i]
		if out[i] {
			n++
		}
	}
	if n < 55 || n > 60 {
		t.Errorf("%d of 300 held out", n)
	}
}

func TestLoadErrors(t *testing.T) {
	good := `{"prompt":"Hello","chosen":" yes","rejected":" no"}` + "\n"
	for _, c := range []struct {
		name    string
		spec    Spec
		data    string
		profile Profile
		want    string
	}{
		{"malformed line", Spec{}, good + good + "{\"prompt\":\n" + good, Profile{}, "line 3: malformed JSON"},
		{"missing field", Spec{}, good + `{"prompt":"x","chosen":"y"}`, Profile{}, `line 2: field "rejected" is missing`},
		{"empty file", Spec{}, "\n\n", Profile{}, "holds no rows"},
		{"unknown layout", Spec{}, `{"a":1}`, Profile{}, "no known format"},
		{"unknown format", Spec{Format: "x"}, good, Profile{}, `unknown format "x"`},
		{"negative limit", Spec{Limit: -1}, good, Profile{}, "limit: -1 is negative"},
		{"fraction", Spec{EvalFraction: 1}, good, Profile{}, "eval_fraction: 1 is not in [0, 1)"},
		{"nothing left", Spec{}, `{"prompt":"Hello world! Nice to meet you.","chosen":" a","rejected":" b"}`, Profile{MaxLength: 4}, "no pair is left of 1 rows: 1 x prompt or completion alone fills max_length (max_length = "},
		{"messages without template", Spec{}, `{"prompt":[{"role":"user","content":"q"}],"chosen":[{"role":"assistant","content":"c"}],"rejected":[{"role":"assistant","content":"r"}]}`, Profile{}, "line 1: the rows are conversations and the model has no chat template"},
		{"doubled EOS", Spec{}, `{"prompt":"Hello","chosen":" yes<|im_end|>","rejected":" no"}`, Profile{Name: TRL028}, `line 1: chosen ends in EOS "<|im_end|>" twice`},
		{"doubled EOS in the text", Spec{}, `{"prompt":"Hello","chosen":" yes<|im_end|><|im_end|>","rejected":" no"}`, Profile{}, `line 1: chosen ends in EOS "<|im_end|>" twice`},
		{"doubled BOS", Spec{}, `{"prompt":"<|im_start|><|im_start|>Hello","chosen":" yes","rejected":" no"}`, Profile{}, `line 1: the prompt begins with BOS "<|im_start|>" twice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.spec.Name, c.spec.Path = "orca", write(t, "a.jsonl", []byte(c.data))
			_, _, _, err := Load(t.Context(), c.spec, textEncoder(t, c.profile), 1)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), `source "orca": `) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	_, _, _, err := Load(t.Context(), Spec{Path: filepath.Join(t.TempDir(), "none.jsonl")}, textEncoder(t, Profile{}), 1)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

// TestLoadBOS: a tokenizer that puts BOS before text meets a text that has it.
func TestLoadBOS(t *testing.T) {
	enc := newEncoder(t, "testdata/inst", Profile{})
	path := write(t, "a.jsonl", []byte(`{"prompt":"<s>Hello","chosen":" yes","rejected":" no"}`))
	if _, _, _, err := Load(t.Context(), Spec{Path: path}, enc, 1); err == nil || !strings.Contains(err.Error(), `BOS "<s>" twice`) {
		t.Errorf("error %v", err)
	}
	// Without a prompt, BOS is what the first token is predicted from.
	path = write(t, "b.jsonl", []byte(`{"prompt":"","chosen":" yes","rejected":" no"}`))
	train, _, _, err := Load(t.Context(), Spec{Path: path}, enc, 1)
	if err != nil || !slices.Equal(train.Pairs[0].PromptIDs, []int32{1}) {
		t.Errorf("%+v, %v", train, err)
	}
}

// TestLoadIDs: ids are used as they are, whatever max_length says.
func TestLoadIDs(t *testing.T) {
	path := write(t, "a.jsonl", []byte(`{"prompt_ids":[5,6,7],"chosen_ids":[8],"rejected_ids":[9,2,2]}`+"\n"+`{"prompt_ids":[],"chosen_ids":[8],"rejected_ids":[9]}`))
	train, _, r, err := Load(t.Context(), Spec{Path: path}, textEncoder(t, Profile{MaxLength: 4}), 1)
	want := core.Pair{PromptIDs: []int32{5, 6, 7}, ChosenIDs: []int32{8}, RejectedIDs: []int32{9, 2, 2}}
	if err != nil || !reflect.DeepEqual(train.Pairs, []core.Pair{want}) || r.Overlong != 1 || r.Truncated != 0 || r.NoPrompt != 1 {
		t.Errorf("%+v, %+v, %v", train, r, err)
	}
}

func TestLoadCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, _, err := Load(ctx, Spec{Path: textRows(t, 1000)}, textEncoder(t, Profile{}), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestSharedLoad loads every file of the shared preference data; the counts come
// from reading the files in Python.
func TestSharedLoad(t *testing.T) {
	enc := newEncoder(t, testenv.SmolLM2(t), Profile{MaxLength: 1 << 20})
	for _, c := range []struct {
		source, format                           string
		rows, ties, empty, identical, duplicates int
	}{
		{"ultrafeedback", "ultrafeedback", 1000, 0, 2, 4, 0},
		{"orca_azure", "orca", 284, 0, 0, 0, 0},
		{"hh-rlhf", "hh-rlhf", 2312, 0, 4, 0, 0},
		{"llama-en", "llama-factory", 300, 0, 0, 0, 5},
		{"llama-zh", "llama-factory", 300, 0, 0, 0, 11},
		{"pandalm", "pandalm", 999, 105, 52, 0, 80},
	} {
		train, _, r, err := Load(t.Context(), Spec{Name: c.source, Path: sharedFile(t, c.source)}, enc, 1)
		if err != nil {
			t.Error(err)
			continue
		}
		got := [...]int{r.Rows, r.Ties, r.EmptyCompletions, r.Identical, r.Duplicates, r.Dropped() - r.Ties - r.EmptyCompletions, r.Truncated, r.NonPrefix, len(train.Pairs)}
		want := [...]int{c.rows, c.ties, c.empty, c.identical, c.duplicates, 0, 0, 0, c.rows - c.ties - c.empty}
		if r.Format != c.format || got != want {
			t.Errorf("%s: format %s, counts %v, want %v", c.source, r.Format, got, want)
		}
	}
}
