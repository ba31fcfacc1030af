package preference

import (
	"fmt"

	"github.com/stepwise-dpo/stepwise/core/chat"
)

// tokenIDs is rows of token ids, used exactly as given.
var tokenIDs = format{
	name:       "ids",
	layout:     "prompt_ids, chosen_ids, rejected_ids: lists of token ids",
	recognises: func(f fields) bool { return f.has("prompt_ids", "chosen_ids", "rejected_ids") },
	parse: func(f fields, t target) (example, error) {
		var ids [3][]int32
		for i, name := range []string{"prompt_ids", "chosen_ids", "rejected_ids"} {
			var err error
			if ids[i], err = f.ids(name, t.vocabulary); err != nil {
				return nil, err
			}
		}
		return tokens{ids[0], ids[1], ids[2]}, nil
	},
}

// llamaFactory is LLaMA-Factory's sharegpt layout of preferences.
var llamaFactory = format{
	name:   "llama-factory",
	layout: "conversations: list of {from, value}; chosen, rejected: {from, value}",
	recognises: func(f fields) bool {
		_, one := f.get("chosen").(*chat.Object)
		return one && f.has("conversations", "rejected")
	},
	parse: func(f fields, _ target) (_ example, err error) {
		var x conversation
		if x.prompt, err = f.shareGPTPrompt(); err != nil {
			return nil, err
		}
		if x.chosen, err = f.shareGPTAnswer("chosen"); err != nil {
			return nil, err
		}
		if x.rejected, err = f.shareGPTAnswer("rejected"); err != nil {
			return nil, err
		}
		return x.withTemplateFields(f)
	},
}

// shareGPTPrompt reads the conversation. The row's own system message stands before
// it, unless the conversation has one; an empty one is none (SharegptDatasetConverter of
// LLaMA-Factory's data/converter.py).
func (f fields) shareGPTPrompt() ([]message, error) {
	turns, err := f.objects("conversations")
	if err != nil {
		return nil, err
	}
	var prompt []message
	if f.has("system") && turns[0].get("from") != "system" {
		system, err := f.text("system")
		if err != nil {
			return nil, err
		}
		if system != "" {
			prompt = append(prompt, turn("system", system))
		}
	}
	for i, t := range turns {
		m, err := shareGPT(t)
		if err != nil {
			return nil, fmt.Errorf("field %q: message %d: %w", "conversations", i+1, err)
		}
		if i == 0 && t.get("from") == "system" && t.get("value") == "" {
			continue
		}
		prompt = append(prompt, m)
	}
	return prompt, nil
}

// shareGPTAnswer reads a field that holds one sharegpt message.
func (f fields) shareGPTAnswer(name string) ([]message, error) {
	o, err := f.object(name)
	if err != nil {
		return nil, err
	}
	m, err := shareGPT(o)
	if err != nil {
		return nil, fmt.Errorf("field %q: %w", name, err)
	}
	return []message{m}, nil
}

// shareGPT turns {from, value} into {role, content}.
func shareGPT(f fields) (message, error) {
	from, err := f.text("from")
	if err != nil {
		return nil, err
	}
	value, err := f.text("value")
	if err != nil {
		return nil, err
	}
	switch from {
	case "human", "user":
		return turn("user", value), nil
	case "gpt", "assistant":
		return turn("assistant", value), nil
	case "system":
		return turn("system", value), nil
	case "observation", "tool":
		return turn("tool", value), nil
	}
	return nil, fmt.Errorf("field %q is %q, not human, gpt, system or observation", "from", from)
}
