package preference

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/chat"
	"github.com/stepwise-dpo/stepwise/core/tokenizer"
)

// Encoder turns rows into pairs of token ids by a profile. It is safe for
// concurrent use.
type Encoder struct {
	tok      *tokenizer.Tokenizer
	template *chat.Template // nil where the model has none
	profile  Profile
	special  tokenizer.Special
	bos, eos int32 // -1 where there is none
}

// NewEncoder returns an encoder for a model's tokenizer and chat template, which
// is nil where the model has none. The profile's defaults are filled in.
func NewEncoder(tok *tokenizer.Tokenizer, template *chat.Template, p Profile) (*Encoder, error) {
	p, err := p.Resolve()
	if err != nil {
		return nil, err
	}
	e := &Encoder{tok: tok, template: template, profile: p, special: tok.Special()}
	if e.bos, err = e.id("bos_token", e.special.BOS); err != nil {
		return nil, err
	}
	e.eos, err = e.id("eos_token", e.special.EOS)
	return e, err
}

// id returns the id of a special token, -1 where the tokenizer names none.
func (e *Encoder) id(name, token string) (int32, error) {
	if token == "" {
		return -1, nil
	}
	id, ok := e.tok.ID(token)
	if !ok {
		return 0, fmt.Errorf("tokenizer: %s %q is not in its vocabulary", name, token)
	}
	return id, nil
}

// target is what formats may know of the model.
func (e *Encoder) target() target {
	return target{chat: e.template != nil, vocabulary: e.tok.VocabSize()}
}

// fate is what became of a row.
type fate int

const (
	kept            fate = iota
	tied                 // its votes name no preferred completion
	emptyCompletion      // chosen or rejected says nothing
	noPrompt             // there is nothing to predict the first token from
	tooLong              // the cut would leave no prompt or no completion
)

// encoded is a pair and what happened to it.
type encoded struct {
	fate      fate
	pair      core.Pair // complete where fate is kept
	full      ids       // before the cut
	levelled  bool      // see Profile.cut
	nonPrefix bool      // the prompt's ids do not begin the pair's
	text      bool      // plain text
	given     bool      // ids of the file
}

// lost returns how many tokens the cut took from each part.
func (x encoded) lost() (prompt, chosen, rejected int) {
	return len(x.full.prompt) - len(x.pair.PromptIDs),
		len(x.full.chosen) - len(x.pair.ChosenIDs),
		len(x.full.rejected) - len(x.pair.RejectedIDs)
}

// encode turns an example into ids. An error is a refusal: going on would train
// on something wrong in a way that is likely to affect more than this row. What
// was made of the example until then comes with it, to be shown.
func (e *Encoder) encode(x example) (encoded, error) {
	switch x := x.(type) {
	case plain:
		return e.encodeText(x)
	case conversation:
		return e.encodeConversation(x)
	case tokens:
		return encodeGiven(x), nil
	}
	panic(fmt.Sprintf("preference: example of type %T", x))
}

// encodeGiven takes the ids of a file as they are: nothing is added, nothing is
// cut.
func encodeGiven(x tokens) encoded {
	out := encoded{full: ids(x), given: true}
	out.pair = core.Pair{PromptIDs: x.prompt, ChosenIDs: x.chosen, RejectedIDs: x.rejected}
	switch {
	case len(x.chosen) == 0 || len(x.rejected) == 0:
		out.fate = emptyCompletion
	case len(x.prompt) == 0:
		out.fate = noPrompt
	}
	return out
}

// encodeText encodes texts that go through no template.
func (e *Encoder) encodeText(x plain) (encoded, error) {
	out := encoded{text: true, pair: core.Pair{Prompt: x.prompt, Chosen: x.chosen, Rejected: x.rejected}}
	if isBlank(x.chosen) || isBlank(x.rejected) {
		out.fate = emptyCompletion
		return out, nil
	}
	if e.eos < 0 {
		return out, errors.New("the tokenizer names no EOS token to end completions with; set eos_token in tokenizer_config.json")
	}
	if e.profile.Name == TRL1 {
		out.full, out.nonPrefix = e.together(x.prompt, x.prompt+e.withEOS(x.chosen), x.prompt+e.withEOS(x.rejected), true)
	} else {
		out.full = e.apart(x, true)
	}
	return e.finish(out)
}

// withEOS appends the EOS token's text unless it is there.
func (e *Encoder) withEOS(s string) string {
	if strings.HasSuffix(s, e.special.EOS) {
		return s
	}
	return s + e.special.EOS
}

// encodeConversation renders and encodes messages.
func (e *Encoder) encodeConversation(x conversation) (encoded, error) {
	if isBlankAnswer(x.chosen) || isBlankAnswer(x.rejected) {
		return encoded{fate: emptyCompletion, pair: x.source()}, nil
	}
	r, err := e.render(x)
	if err != nil {
		return encoded{pair: x.source()}, err
	}
	n := min(commonPrefix(r.prompt, r.chosen), commonPrefix(r.prompt, r.rejected))
	// Cloned, so that a pair does not keep the prompt's text three times, nor what
	// rendering allocated beyond it.
	text := plain{strings.Clone(r.prompt[:n]), strings.Clone(r.chosen[n:]), strings.Clone(r.rejected[n:])}
	out := encoded{pair: core.Pair{Prompt: text.prompt, Chosen: text.chosen, Rejected: text.rejected}}
	if e.profile.Name == TRL1 {
		out.full, out.nonPrefix = e.together(r.prompt, r.chosen, r.rejected, false)
	} else {
		out.full = e.apart(text, e.profile.Name == TRL074)
	}
	return e.finish(out)
}

// together encodes the prompt, and each completion with the prompt before it.
// The prompt is cut back to what all three share, as TRL 1.x does: a token may
// reach over the boundary.
func (e *Encoder) together(prompt, withChosen, withRejected string, addSpecial bool) (x ids, nonPrefix bool) {
	x.prompt = e.tok.Encode(prompt, addSpecial)
	chosen, rejected := e.tok.Encode(withChosen, addSpecial), e.tok.Encode(withRejected, addSpecial)
	n := min(commonIDs(x.prompt, chosen), commonIDs(x.prompt, rejected))
	nonPrefix = n < len(x.prompt)
	return ids{x.prompt[:n], chosen[n:], rejected[n:]}, nonPrefix
}

// apart encodes each text by itself, without special tokens but the EOS.
func (e *Encoder) apart(x plain, addEOS bool) ids {
	out := ids{e.tok.Encode(x.prompt, false), e.tok.Encode(x.chosen, false), e.tok.Encode(x.rejected, false)}
	if addEOS && e.eos >= 0 {
		out.chosen = append(out.chosen, e.eos)
		out.rejected = append(out.rejected, e.eos)
	}
	return out
}

// finish checks the ids and cuts them.
func (e *Encoder) finish(x encoded) (encoded, error) {
	switch {
	case len(x.full.chosen) == 0 || len(x.full.rejected) == 0:
		x.fate = emptyCompletion
	case len(x.full.prompt) == 0:
		x.fate = noPrompt
	}
	if x.fate != kept {
		return x, nil
	}
	if err := e.checkDoubled(x.full); err != nil {
		x.pair.PromptIDs, x.pair.ChosenIDs, x.pair.RejectedIDs = x.full.prompt, x.full.chosen, x.full.rejected
		return x, err
	}
	var cut ids
	cut, x.levelled = e.profile.cut(x.full)
	// Cloned, so that a pair does not keep what was cut.
	x.pair.PromptIDs = slices.Clone(cut.prompt)
	x.pair.ChosenIDs = slices.Clone(cut.chosen)
	x.pair.RejectedIDs = slices.Clone(cut.rejected)
	if !cut.whole() {
		x.fate = tooLong
	}
	return x, nil
}

// checkDoubled refuses two BOS at the beginning and two EOS at an end: the mark
// of a template and a tokenizer, or a text and a profile, that both add one.
func (e *Encoder) checkDoubled(x ids) error {
	if p := x.prompt; e.bos >= 0 && len(p) > 1 && p[0] == e.bos && p[1] == e.bos {
		return fmt.Errorf("the prompt begins with BOS %q twice; remove it from the text or the template, the tokenizer adds it", e.special.BOS)
	}
	if e.endsTwice(x.chosen) {
		return fmt.Errorf("chosen ends in EOS %q twice; remove it from the text or the template, %s", e.special.EOS, e.whoAddsEOS())
	}
	if e.endsTwice(x.rejected) {
		return fmt.Errorf("rejected ends in EOS %q twice; remove it from the text or the template, %s", e.special.EOS, e.whoAddsEOS())
	}
	return nil
}

// endsTwice reports whether a completion ends in two EOS.
func (e *Encoder) endsTwice(c []int32) bool {
	n := len(c)
	return e.eos >= 0 && n > 1 && c[n-1] == e.eos && c[n-2] == e.eos
}

// whoAddsEOS says where the second EOS comes from.
func (e *Encoder) whoAddsEOS() string {
	if e.profile.Name == TRL1 {
		return "or the tokenizer's own EOS (add_eos_token)"
	}
	return fmt.Sprintf("or take tokenization = %q, which adds it only where it is absent", TRL1)
}

// isBlank reports whether a completion says nothing.
func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// commonPrefix returns how many bytes a and b share from the beginning, in whole
// characters.
func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	return n
}

// commonIDs returns how many ids a and b share from the beginning.
func commonIDs(a, b []int32) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
