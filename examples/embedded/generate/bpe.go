package main

import (
	"encoding/json"
	"sort"
	"strings"
)

// The tokenizer is byte-level BPE as GPT-2's, trained on the example's own
// text.

const (
	imStart = "<|im_start|>"
	imEnd   = "<|im_end|>"
)

// byteRunes is GPT-2's table of printable stand-ins for bytes
// (openai/gpt-2 encoder.py, bytes_to_unicode).
func byteRunes() [256]rune {
	var table [256]rune
	next := rune(256)
	for b := range 256 {
		printable := b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae
		if printable {
			table[b] = rune(b)
		} else {
			table[b] = next
			next++
		}
	}
	return table
}

// trainBPE returns the vocabulary in order of ids and the merges.
func trainBPE(texts []string, merges int) (vocabulary []string, pairs [][2]string) {
	table := byteRunes()
	for _, r := range table {
		vocabulary = append(vocabulary, string(r))
	}
	words := map[string]int{}
	for _, text := range texts {
		for _, w := range splitWords(text) {
			words[w]++
		}
	}
	var pieces [][]string
	var counts []int
	for _, w := range sortedKeys(words) {
		var symbols []string
		for _, b := range []byte(w) {
			symbols = append(symbols, string(table[b]))
		}
		pieces = append(pieces, symbols)
		counts = append(counts, words[w])
	}
	for range merges {
		best, ok := mostFrequent(pieces, counts)
		if !ok {
			break
		}
		pairs = append(pairs, best)
		vocabulary = append(vocabulary, best[0]+best[1])
		for i := range pieces {
			pieces[i] = merge(pieces[i], best)
		}
	}
	return vocabulary, pairs
}

// splitWords cuts before each space, a simple case of GPT-2's pattern: the
// texts have letters, spaces and final punctuation only.
func splitWords(text string) []string {
	var words []string
	for _, w := range strings.SplitAfter(strings.ReplaceAll(text, " ", "\x00 "), "\x00") {
		w = strings.TrimSuffix(w, "\x00")
		last := len(w) - 1
		if last > 0 && strings.ContainsRune(".?", rune(w[last])) {
			words = append(words, w[:last], w[last:])
		} else if w != "" {
			words = append(words, w)
		}
	}
	return words
}

func mostFrequent(pieces [][]string, counts []int) (best [2]string, ok bool) {
	total := map[[2]string]int{}
	for i, p := range pieces {
		for j := range len(p) - 1 {
			total[[2]string{p[j], p[j+1]}] += counts[i]
		}
	}
	most := 1 // a pair seen once is not worth a merge
	for pair, n := range total {
		if n > most || n == most && ok && (pair[0] < best[0] || pair[0] == best[0] && pair[1] < best[1]) {
			best, most, ok = pair, n, true
		}
	}
	return best, ok
}

func merge(symbols []string, pair [2]string) []string {
	var out []string
	for i := 0; i < len(symbols); i++ {
		if i+1 < len(symbols) && symbols[i] == pair[0] && symbols[i+1] == pair[1] {
			out = append(out, pair[0]+pair[1])
			i++
		} else {
			out = append(out, symbols[i])
		}
	}
	return out
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// tokenizerJSON writes the tokenizer as Hugging Face's tokenizer.json.
func tokenizerJSON(vocabulary []string, pairs [][2]string) ([]byte, error) {
	ids := map[string]int{}
	for i, token := range vocabulary {
		ids[token] = i
	}
	var added []map[string]any
	for i, token := range []string{imStart, imEnd} {
		added = append(added, map[string]any{
			"id": len(vocabulary) + i, "content": token, "single_word": false, "lstrip": false,
			"rstrip": false, "normalized": false, "special": true,
		})
	}
	byteLevel := map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	return json.MarshalIndent(map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added,
		"normalizer": nil, "pre_tokenizer": byteLevel, "post_processor": nil, "decoder": byteLevel,
		"model": map[string]any{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
			"end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
			"vocab": ids, "merges": pairs,
		},
	}, "", " ")
}
