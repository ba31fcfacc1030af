package preference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
)

// livePairs is how many pairs of each source TRL itself is asked for.
const livePairs = 200

// TestLiveTRL compares with TRL's own code, run on real data at the time of the
// test. It needs $STEPWISE_TRL_PYTHON, a Python with TRL 1.16.0; for the older
// profiles also $STEPWISE_TRL_028 and $STEPWISE_TRL_074, the folders that
// testdata/trl_ids.py describes.
func TestLiveTRL(t *testing.T) {
	python := os.Getenv("STEPWISE_TRL_PYTHON")
	if python == "" {
		t.Skip("TRL: $STEPWISE_TRL_PYTHON names no Python")
	}
	model := testenv.SmolLM2(t)
	for _, p := range []struct {
		profile Profile
		folder  string
	}{
		{Profile{Name: TRL1, MaxLength: 400}, ""},
		{Profile{Name: TRL028, MaxLength: 400, MaxPromptLength: 100}, "STEPWISE_TRL_028"},
		{Profile{Name: TRL074, MaxLength: 400, MaxPromptLength: 100}, "STEPWISE_TRL_074"},
	} {
		if p.folder != "" && os.Getenv(p.folder) == "" {
			t.Logf("%s: $%s names no folder", p.profile.Name, p.folder)
			continue
		}
		enc := newEncoder(t, model, p.profile)
		for _, source := range []string{"ultrafeedback", "orca_azure", "hh-rlhf", "llama-zh", "pandalm"} {
			for _, chat := range []bool{true, false} {
				if !chat && (source == "orca_azure" || source == "llama-zh") {
					continue // messages only
				}
				t.Run(fmt.Sprintf("%s/%s/chat=%v", p.profile.Name, source, chat), func(t *testing.T) {
					rows := trlRows(t, enc, source, chat)
					compareLive(t, enc, rows, runTRL(t, python, model, enc.profile, os.Getenv(p.folder), rows))
				})
			}
		}
	}
}

// trlRows returns the first pairs of a source as rows in TRL's format.
func trlRows(t *testing.T, enc *Encoder, source string, chat bool) [][]byte {
	t.Helper()
	rows, f, err := openRows(Spec{Path: sharedFile(t, source)})
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for r, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		v, err := r.decode()
		if err != nil {
			t.Fatal(err)
		}
		x, err := f.parse(v, target{chat: chat, vocabulary: enc.tok.VocabSize()})
		if err != nil {
			continue // a tie
		}
		out = append(out, trlJSON(t, x))
		if len(out) == livePairs {
			break
		}
	}
	if len(out) < livePairs {
		t.Fatalf("%d pairs in %q", len(out), source)
	}
	return out
}

func trlJSON(t *testing.T, x example) []byte {
	t.Helper()
	row := map[string]any{}
	switch x := x.(type) {
	case plain:
		row = map[string]any{"prompt": x.prompt, "chosen": x.chosen, "rejected": x.rejected}
	case conversation:
		row = map[string]any{"prompt": plainMessages(x.prompt), "chosen": plainMessages(x.chosen), "rejected": plainMessages(x.rejected)}
	}
	raw, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func plainMessages(messages []message) []map[string]any {
	out := make([]map[string]any, len(messages))
	for i, m := range messages {
		out[i] = map[string]any{"role": fields{m}.get("role"), "content": fields{m}.get("content")}
	}
	return out
}

// runTRL asks testdata/trl_ids.py.
func runTRL(t *testing.T, python, model string, p Profile, folder string, rows [][]byte) []*trlRow {
	t.Helper()
	args := []string{"testdata/trl_ids.py", p.Name, model, "--max-length", fmt.Sprint(p.MaxLength), "--truncation-mode", p.TruncationMode}
	if p.MaxPromptLength > 0 {
		args = append(args, "--max-prompt-length", fmt.Sprint(p.MaxPromptLength))
	}
	cmd := exec.CommandContext(t.Context(), python, args...)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+folder)
	cmd.Stdin = bytes.NewReader(bytes.Join(rows, []byte("\n")))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	var got []*trlRow
	for line := range bytes.Lines(out) {
		var r *trlRow
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	return got
}

func compareLive(t *testing.T, enc *Encoder, rows [][]byte, want []*trlRow) {
	t.Helper()
	if len(rows) != len(want) {
		t.Fatalf("%d rows, TRL answers %d", len(rows), len(want))
	}
	fates := map[fate]int{}
	levelled := 0
	for i, raw := range rows {
		x := encodeJSON(t, enc, raw)
		fates[x.fate]++
		if x.levelled {
			levelled++
		}
		if x.fate != emptyCompletion { // TRL trains on its EOS
			compareTRL(t, enc, fmt.Sprintf("pair %d", i), x, want[i])
		}
	}
	t.Logf("%d pairs: %d kept and equal (%d levelled), %d empty, %d too long", len(rows), fates[kept], levelled, fates[emptyCompletion], fates[tooLong])
}
