package preference

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/chat"
	"github.com/stepwise-dpo/stepwise/core/tokenizer"
)

// golden is what a version of TRL made of testdata/rows.jsonl.
type golden struct {
	Model   string
	Profile Profile
	Rows    []*trlRow
}

// trlRow is the two rows of a pair as TRL's model gets them, and how many tokens
// at their end are completion. A nil row is one that TRL drops.
type trlRow struct {
	Chosen             []int32 `json:"chosen"`
	ChosenCompletion   int     `json:"chosen_completion"`
	Rejected           []int32 `json:"rejected"`
	RejectedCompletion int     `json:"rejected_completion"`
}

// trainable reports whether both rows have something to predict and something
// to predict it from.
func (r *trlRow) trainable() bool {
	return r != nil &&
		r.ChosenCompletion > 0 && r.ChosenCompletion < len(r.Chosen) &&
		r.RejectedCompletion > 0 && r.RejectedCompletion < len(r.Rejected)
}

// doubled reports whether a row ends in eos twice.
func (r *trlRow) doubled(eos int32) bool {
	ends := func(ids []int32) bool {
		n := len(ids)
		return n > 1 && ids[n-1] == eos && ids[n-2] == eos
	}
	return r != nil && (ends(r.Chosen) || ends(r.Rejected))
}

func TestGoldens(t *testing.T) {
	rows := readLinesOf(t, "testdata/rows.jsonl")
	var goldens []golden
	readGzip(t, "testdata/goldens.json.gz", &goldens)
	if len(goldens) != 22 {
		t.Fatalf("%d goldens", len(goldens))
	}
	for _, g := range goldens {
		name := fmt.Sprintf("%s/%s/%d/%d/%s", g.Model, g.Profile.Name, g.Profile.MaxLength, g.Profile.MaxPromptLength, g.Profile.TruncationMode)
		t.Run(name, func(t *testing.T) {
			enc := newEncoder(t, filepath.Join("testdata", g.Model), g.Profile)
			if len(g.Rows) != len(rows) {
				t.Fatalf("%d rows, %d goldens", len(rows), len(g.Rows))
			}
			for i, want := range g.Rows {
				x, err := enc.encodeRow(row{place: place{"line", i + 1}, json: rows[i]}, trl)
				if err != nil {
					t.Fatal(err)
				}
				compareTRL(t, enc, fmt.Sprintf("row %d", i+1), x, want)
			}
		})
	}
}

// compareTRL demands that x is what TRL made of a row, save for what Profile and
// Encoder say: doubled EOS is refused, pairs that cannot be trained on are
// dropped, and a levelled prompt is the shorter of TRL's two.
func compareTRL(t *testing.T, e *Encoder, name string, x located, want *trlRow) {
	t.Helper()
	switch {
	case x.refused != nil:
		cut := want.ChosenCompletion == e.profile.MaxLength-e.profile.MaxPromptLength // its end is not in TRL's row
		if !strings.Contains(x.refused.Error(), "twice") || !want.doubled(e.eos) && !cut {
			t.Errorf("%s: %v", name, x.refused)
		}
		return
	case x.fate != kept:
		if want.trainable() {
			t.Errorf("%s: fate %d, TRL trains on %+v", name, x.fate, *want)
		}
		return
	case !want.trainable():
		t.Errorf("%s: kept, TRL has %+v", name, want)
		return
	}
	p := x.pair
	checkRow(t, name+" chosen", x.levelled, p.PromptIDs, p.ChosenIDs, want.Chosen, want.ChosenCompletion)
	checkRow(t, name+" rejected", x.levelled, p.PromptIDs, p.RejectedIDs, want.Rejected, want.RejectedCompletion)
	if x.levelled && len(want.Chosen)-want.ChosenCompletion == len(want.Rejected)-want.RejectedCompletion {
		t.Errorf("%s: levelled, TRL's prompts are equally long", name)
	}
	if shorter := min(len(want.Chosen)-want.ChosenCompletion, len(want.Rejected)-want.RejectedCompletion); len(p.PromptIDs) != shorter {
		t.Errorf("%s: prompt of %d tokens, the shorter of TRL's has %d", name, len(p.PromptIDs), shorter)
	}
}

func checkRow(t *testing.T, name string, levelled bool, prompt, completion, want []int32, wantCompletion int) {
	t.Helper()
	got := slices.Concat(prompt, completion)
	if len(completion) != wantCompletion {
		t.Errorf("%s: %d completion tokens, TRL %d", name, len(completion), wantCompletion)
	}
	if levelled && len(got) < len(want) {
		want = want[len(want)-len(got):]
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %v\nwant %v", name, got, want)
	}
}

// newEncoder returns an encoder for the tokenizer and template in a folder.
func newEncoder(t testing.TB, dir string, p Profile) *Encoder {
	t.Helper()
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	template, err := chat.FromFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := NewEncoder(tok, template, p)
	if err != nil {
		t.Fatal(err)
	}
	return enc
}

func readLinesOf(t testing.TB, path string) [][]byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
}

func readGzip(t testing.TB, path string, into any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}
