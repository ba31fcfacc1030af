package preference

import (
	"fmt"
	"strings"
)

// hhRLHF is hh-rlhf's rows: two dialogues, each one string. The prompt is the
// turns that both share; for a model without a chat template it ends in
// "\n\nAssistant:", as in the reference code of the DPO paper.
var hhRLHF = format{
	name:   "hh-rlhf",
	layout: `chosen, rejected: dialogues "\n\nHuman: ...\n\nAssistant: ..."`,
	recognises: func(f fields) bool {
		chosen, _ := f.get("chosen").(string)
		rejected, _ := f.get("rejected").(string)
		return !f.has("prompt") && strings.HasPrefix(chosen, humanMark) && strings.HasPrefix(rejected, humanMark)
	},
	parse: parseHH,
}

// The marks before the turns.
const (
	humanMark     = "\n\nHuman:"
	assistantMark = "\n\nAssistant:"
)

func parseHH(f fields, t target) (example, error) {
	chosen, err := f.dialogue("chosen")
	if err != nil {
		return nil, err
	}
	rejected, err := f.dialogue("rejected")
	if err != nil {
		return nil, err
	}
	n := 0
	for n < min(len(chosen), len(rejected))-1 && chosen[n] == rejected[n] {
		n++
	}
	if n == 0 {
		return nil, errNoPrompt
	}
	if t.chat {
		return conversation{
			prompt:   chatTurns(chosen[:n]),
			chosen:   chatTurns(chosen[n:]),
			rejected: chatTurns(rejected[n:]),
		}, nil
	}
	return cutDialogues(chosen, rejected, n), nil
}

// hhTurn is one turn of a dialogue: its mark, and the text after it as it
// stands.
type hhTurn struct {
	mark, text string
}

// dialogue splits a string field at its turns.
func (f fields) dialogue(name string) ([]hhTurn, error) {
	text, err := f.text(name)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(text, humanMark) {
		return nil, fmt.Errorf("field %q does not begin with %q", name, humanMark)
	}
	var turns []hhTurn
	for text != "" {
		mark := humanMark
		if strings.HasPrefix(text, assistantMark) {
			mark = assistantMark
		}
		text = text[len(mark):]
		end := nextMark(text)
		turns = append(turns, hhTurn{mark, text[:end]})
		text = text[end:]
	}
	return turns, nil
}

// nextMark returns where the next turn begins, or the length of the text.
func nextMark(text string) int {
	end := len(text)
	for _, mark := range []string{humanMark, assistantMark} {
		if i := strings.Index(text[:end], mark); i >= 0 {
			end = i
		}
	}
	return end
}

// chatTurns turns a dialogue into messages; the space after a mark belongs to
// the mark.
func chatTurns(turns []hhTurn) []message {
	out := make([]message, len(turns))
	for i, t := range turns {
		role := "user"
		if t.mark == assistantMark {
			role = "assistant"
		}
		out[i] = turn(role, strings.TrimPrefix(t.text, " "))
	}
	return out
}

// cutDialogues cuts two dialogues after their n common turns, and after the mark
// of the next one where it is the same speaker's.
func cutDialogues(chosen, rejected []hhTurn, n int) plain {
	p := plain{joinTurns(chosen[:n]), joinTurns(chosen[n:]), joinTurns(rejected[n:])}
	if mark := chosen[n].mark; mark == rejected[n].mark {
		p.prompt += mark
		p.chosen, p.rejected = p.chosen[len(mark):], p.rejected[len(mark):]
	}
	return p
}

func joinTurns(turns []hhTurn) string {
	var b strings.Builder
	for _, t := range turns {
		b.WriteString(t.mark)
		b.WriteString(t.text)
	}
	return b.String()
}
