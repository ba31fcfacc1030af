package tokenizer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// A tiktoken file is a list of tokens and ranks and says neither how text is cut nor
// which special tokens there are. The number of its tokens tells whose it is.
type tiktokenKind struct {
	name      string
	pattern   string
	normalize string
	special   []string // ids follow the tokens'
	bos       string
}

var tiktokenKinds = map[int]tiktokenKind{
	151643: {"Qwen-1", patternQwen2, "NFC", slices.Concat([]string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"}, numbered("<|extra_%d|>", 0, 205)), ""},
	128000: {"Llama-3", patternLlama3, "", llama3Special(), "<|begin_of_text|>"},
	100256: {"cl100k_base", patternGPT4, "", nil, ""},
}

// numbered returns n strings of the format, counted from first.
func numbered(format string, first, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, first+i)
	}
	return out
}

// llama3Special returns Meta-Llama-3's 256 special tokens (llama3/tokenizer.py).
func llama3Special() []string {
	reserved := func(first, n int) []string { return numbered("<|reserved_special_token_%d|>", first, n) }
	return slices.Concat(
		[]string{"<|begin_of_text|>", "<|end_of_text|>"}, reserved(0, 4),
		[]string{"<|start_header_id|>", "<|end_header_id|>"}, reserved(4, 1),
		[]string{"<|eot_id|>"}, reserved(5, 246),
	)
}

// looksLikeTiktoken reports whether the first line is base64, a space and a number.
func looksLikeTiktoken(data []byte) bool {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	_, _, err := tiktokenLine(line)
	return err == nil
}

func tiktokenLine(line []byte) (token []byte, rank int, err error) {
	code, number, ok := bytes.Cut(bytes.TrimRight(line, "\r"), []byte(" "))
	if !ok || len(code) == 0 {
		return nil, 0, fmt.Errorf("%q is not a token and its rank", line)
	}
	if token, err = base64.StdEncoding.DecodeString(string(code)); err != nil {
		return nil, 0, err
	}
	rank, err = strconv.Atoi(string(number))
	return token, rank, err
}

// fromTiktoken writes a tiktoken file as a tokenizer.json.
func fromTiktoken(data []byte) ([]byte, error) {
	var tokens [][]byte
	for i, line := range bytes.Split(data, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		token, rank, err := tiktokenLine(line)
		if err == nil && rank != len(tokens) {
			err = fmt.Errorf("rank %d where %d is due", rank, len(tokens))
		}
		if err != nil {
			return nil, fmt.Errorf("tiktoken: line %d: %w", i+1, err)
		}
		tokens = append(tokens, token)
	}
	kind, ok := tiktokenKinds[len(tokens)]
	if !ok {
		return nil, fmt.Errorf("tiktoken: no known tokenizer has %d tokens, and the file does not say how to cut text; save it as a tokenizer.json", len(tokens))
	}
	f := tokenizerFile(tiktokenModel(tokens), kind.added(len(tokens)))
	if kind.normalize != "" {
		f["normalizer"] = map[string]any{"type": kind.normalize}
	}
	f["pre_tokenizer"] = splitPre(kind.pattern)
	f["decoder"] = map[string]any{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}
	f["post_processor"] = framePost(kind.bos, int32(len(tokens)), "", 0)
	return json.Marshal(f)
}

func (k tiktokenKind) added(first int) []AddedToken {
	out := make([]AddedToken, len(k.special))
	for i, s := range k.special {
		out[i] = AddedToken{ID: int32(first + i), Content: s, Special: true}
	}
	return out
}

// tiktokenModel writes the ranks as merges: any two tokens that make a token may
// merge, the lowest rank of what they make first (transformers' TikTokenConverter).
func tiktokenModel(tokens [][]byte) map[string]any {
	ids := make(map[string]int32, len(tokens))
	vocab := make(map[string]int32, len(tokens))
	for id, token := range tokens {
		ids[string(token)] = int32(id)
		vocab[toRunes(string(token))] = int32(id)
	}
	var merges [][2]string
	for _, token := range tokens {
		from := len(merges)
		for cut := 1; cut < len(token); cut++ {
			_, left := ids[string(token[:cut])]
			_, right := ids[string(token[cut:])]
			if left && right {
				merges = append(merges, [2]string{toRunes(string(token[:cut])), toRunes(string(token[cut:]))})
			}
		}
		slices.SortStableFunc(merges[from:], func(a, b [2]string) int {
			if d := vocab[a[0]] - vocab[b[0]]; d != 0 {
				return int(d)
			}
			return int(vocab[a[1]] - vocab[b[1]])
		})
	}
	return map[string]any{"type": "BPE", "vocab": vocab, "merges": merges, "ignore_merges": true}
}
