package tokenizer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// folder writes files into a new folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const endToken = `{"content": "</e>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}`

// TestLoadFolder checks what the configuration beside a tokenizer.json changes, by the
// rules of transformers 5 (TokenizersBackend.update_post_processor).
func TestLoadFolder(t *testing.T) {
	const decoder = `"added_tokens_decoder": {"5": ` + endToken + `}, "bos_token": "<s>", "eos_token": ` + endToken
	for _, c := range []struct {
		name, config string
		want         []int32 // of "ab</e>"
		special      Special
	}{
		{"nothing stated", `{}`, []int32{4, 2, 3}, Special{}},
		{"tokens named", `{` + decoder + `, "model_max_length": 2048}`, []int32{4, 2, 5},
			Special{BOS: "<s>", EOS: "</e>", AddsBOS: true, ModelMaxLength: 2048}},
		{"no BOS", `{"add_bos_token": false, ` + decoder + `, "model_max_length": 1e30}`, []int32{2, 5}, Special{BOS: "<s>", EOS: "</e>"}},
		{"EOS only", `{"add_eos_token": true, ` + decoder + `, "pad_token": null}`, []int32{2, 5, 5}, Special{BOS: "<s>", EOS: "</e>", AddsEOS: true}},
		{"both", `{"add_bos_token": true, "add_eos_token": true, ` + decoder + `}`, []int32{4, 2, 5, 5},
			Special{BOS: "<s>", EOS: "</e>", AddsBOS: true, AddsEOS: true}},
		{"a name of the vocabulary", `{"eos_token": "b", "mask_token": "<m>"}`, []int32{4, 0, 1, 3}, Special{EOS: "b"}},
		{"a name that is new", `{"add_bos_token": true, "bos_token": "<b>", "pad_token": "</e>"}`, []int32{5, 2, 6},
			Special{BOS: "<b>", PAD: "</e>", AddsBOS: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := strings.Replace(tinyFile, `"unk_token": null`, `"unk_token": "?", "fuse_unk": true`, 1)
			tok, err := Load(folder(t, map[string]string{"tokenizer.json": file, "tokenizer_config.json": c.config}))
			if err != nil {
				t.Fatal(err)
			}
			if got := tok.Encode("ab</e>", true); !slices.Equal(got, c.want) {
				t.Errorf("ids %v, want %v", got, c.want)
			}
			if got := tok.Special(); got != c.special {
				t.Errorf("special tokens %+v, want %+v", got, c.special)
			}
		})
	}
}

// TestSpecialTokensMap: what transformers 5.24 says of the same two files.
func TestSpecialTokensMap(t *testing.T) {
	for _, c := range []struct {
		name, config, tokens string
		want                 Special
	}{
		{"the older file goes first", `{"eos_token": "?", "unk_token": "?", "pad_token": "?"}`,
			`{"eos_token": {"content": "ab", "lstrip": false, "normalized": false, "rstrip": false, "single_word": false}, "pad_token": null}`,
			Special{EOS: "ab", UNK: "?"}},
		{"or is not read", `{"added_tokens_decoder": {"5": ` + endToken + `}, "eos_token": "</e>"}`, `{"eos_token": "ab", "pad_token": "?"}`,
			Special{EOS: "</e>"}},
	} {
		tok, err := Load(folder(t, map[string]string{"tokenizer.json": tinyFile, "tokenizer_config.json": c.config, "special_tokens_map.json": c.tokens}))
		if err != nil {
			t.Fatal(err)
		}
		if got := tok.Special(); got != c.want {
			t.Errorf("%s: special tokens %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"holds none of":         {"README": "x"},
		"tokenizer_config.json": {"tokenizer.json": tinyFile, "tokenizer_config.json": "{"},
		`"x" is no id`:          {"tokenizer.json": tinyFile, "tokenizer_config.json": `{"added_tokens_decoder": {"x": ` + endToken + `}}`},
		"SentencePiece":         {"tokenizer.model": "nonsense"},
	} {
		if _, err := Load(folder(t, files)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("an absent file loads")
	}
}
