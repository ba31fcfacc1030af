package tokenizer

import (
	"strings"
	"testing"
)

// tinyFile is a tokenizer.json with all the parts that tests break.
const tinyFile = `{
"version": "1.0", "truncation": null, "padding": null,
"added_tokens": [{"id": 4, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
"normalizer": {"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"Regex": "a+"}, "content": "a"}]},
"pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "Isolated", "invert": false},
"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
 "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [4], "tokens": ["<s>"]}}},
"decoder": {"type": "Fuse"},
"model": {"type": "BPE", "dropout": null, "unk_token": null, "vocab": {"a": 0, "b": 1, "ab": 2, "?": 3}, "merges": [["a", "b"]]}
}`

// tinyWith returns tinyFile with one part replaced.
func tinyWith(old, new string) string { return strings.Replace(tinyFile, old, new, 1) }

// faultyFiles says what is changed in tinyFile and what the error must name.
var faultyFiles = []struct{ old, new, want string }{
	{`"1.0"`, `"2.0"`, `version "2.0"`},
	{`"padding"`, `"stuffing"`, `"stuffing"`},
	{`"type": "BPE"`, `"type": "WordPiece"`, `model: "WordPiece" is not implemented`},
	{`"dropout": null`, `"dropout": 0.1`, "dropout 0.1"},
	{`"dropout": null`, `"magic": true`, `unknown field "magic"`},
	{`"unk_token": null`, `"unk_token": "[U]"`, `unk_token "[U]"`},
	{`[["a", "b"]]`, `[["a", "c"]]`, `merge 0, "a" and "c"`},
	{`[["a", "b"]]`, `["a b c"]`, `merge "a b c" is not a pair`},
	{`[["a", "b"]]`, `[["b", "a"]]`, "what they make is not in the vocabulary"},
	{`"b": 1`, `"b": 0`, "have the same id 0"},
	{`"b": 1`, `"b": -1`, "negative"},
	{`"id": 4`, `"id": 7`, `added token "<s>"`},
	{`"type": "Fuse"`, `"type": "CTC"`, `decoder: "CTC" is not implemented`},
	{`"type": "Fuse"`, `"kind": "Fuse"`, "without a type"},
	{`"type": "Split"`, `"type": "UnicodeScripts"`, `pre_tokenizer: "UnicodeScripts" is not implemented`},
	{`"Isolated"`, `"Sideways"`, `unknown behavior "Sideways"`},
	{`"String": " "`, `"String": ""`, "a String that is not empty"},
	{`"type": "Replace"`, `"type": "Precompiled"`, `normalizer: "Precompiled" is not implemented`},
	{`"Regex": "a+"`, `"Regex": "(a"`, `regex "(a"`},
	{`"Regex": "a+"`, `"Regex": "[a[b]]"`, "a class inside of a class"},
	{`"Regex": "a+"`, `"Regex": "\\X"`, `\X is not implemented`},
	{`"type": "TemplateProcessing"`, `"type": "BertProcessing"`, `post_processor: "BertProcessing" is not implemented`},
	{`{"Sequence": {"id": "A", "type_id": 0}}`, `{"Sequence": {"id": "B", "type_id": 0}}`, "must hold $A once"},
	{`{"SpecialToken": {"id": "<s>", "type_id": 0}}`, `{"SpecialToken": {"id": "<t>", "type_id": 0}}`, `special token "<t>"`},
}

func TestParseRefuses(t *testing.T) {
	if _, err := Parse([]byte(tinyFile)); err != nil {
		t.Fatalf("the file itself: %v", err)
	}
	for _, f := range faultyFiles {
		file := tinyWith(f.old, f.new)
		if file == tinyFile {
			t.Fatalf("%s is not in the file", f.old)
		}
		_, err := Parse([]byte(file))
		if err == nil || !strings.Contains(err.Error(), f.want) {
			t.Errorf("with %s: error %v does not say %s", f.new, err, f.want)
		}
	}
}

func TestTokenNames(t *testing.T) {
	tok, err := Parse([]byte(tinyFile))
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range []string{"a", "b", "ab", "?", "<s>"} {
		if s, ok := tok.Token(int32(id)); !ok || s != want {
			t.Errorf("token %d is %q, %v", id, s, ok)
		}
		if got, ok := tok.ID(want); !ok || got != int32(id) {
			t.Errorf("id of %q is %d, %v", want, got, ok)
		}
		if tok.IsSpecial(int32(id)) != (want == "<s>") {
			t.Errorf("%q: special is %v", want, tok.IsSpecial(int32(id)))
		}
	}
	if _, ok := tok.Token(5); ok {
		t.Error("there is a token 5")
	}
	if _, ok := tok.ID("c"); ok {
		t.Error(`"c" has an id`)
	}
	if n := tok.VocabSize(); n != 5 {
		t.Errorf("%d tokens", n)
	}
}
