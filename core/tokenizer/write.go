package tokenizer

// The parts of a tokenizer.json that foreign formats are written with.

func tokenizerFile(model map[string]any, added []AddedToken) map[string]any {
	if added == nil {
		added = []AddedToken{}
	}
	return map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added,
		"normalizer": nil, "pre_tokenizer": nil, "post_processor": nil, "decoder": nil, "model": model,
	}
}

func sequence(key string, parts ...any) any {
	return map[string]any{"type": "Sequence", key: parts}
}

func digits(individual bool) any {
	return map[string]any{"type": "Digits", "individual_digits": individual}
}

func byteLevelPre(regex bool) any {
	return map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex}
}

// splitPre cuts by a regex before bytes are written as characters.
func splitPre(regex string) any {
	return sequence("pretokenizers", map[string]any{
		"type": "Split", "pattern": map[string]any{"Regex": regex}, "behavior": "Isolated", "invert": false,
	}, byteLevelPre(false))
}

func replaceString(from, to string) any {
	return map[string]any{"type": "Replace", "pattern": map[string]any{"String": from}, "content": to}
}

// framePost is the post-processor that puts bos and eos, where not empty, around a
// text; nil where both are.
func framePost(bos string, bosID int32, eos string, eosID int32) any {
	special := map[string]any{}
	text := func(name string, kind int) []any {
		var out []any
		add := func(token string, id int32) {
			if token != "" {
				out = append(out, map[string]any{"SpecialToken": map[string]any{"id": token, "type_id": kind}})
				special[token] = map[string]any{"id": token, "ids": []int32{id}, "tokens": []string{token}}
			}
		}
		add(bos, bosID)
		out = append(out, map[string]any{"Sequence": map[string]any{"id": name, "type_id": kind}})
		add(eos, eosID)
		return out
	}
	single := text("A", 0)
	pair := append(text("A", 0), text("B", 1)...)
	if len(special) == 0 {
		return nil
	}
	return map[string]any{"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": special}
}
