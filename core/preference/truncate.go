package preference

// ids is a pair as token ids.
type ids struct {
	prompt, chosen, rejected []int32
}

// longer returns the length of the longer completion.
func (x ids) longer() int { return max(len(x.chosen), len(x.rejected)) }

// whole reports whether the model has something to predict from and something to
// predict on both sides.
func (x ids) whole() bool {
	return len(x.prompt) > 0 && len(x.chosen) > 0 && len(x.rejected) > 0
}

// cut truncates the pair by the profile's rule. Where nothing of the prompt or
// of a completion would remain, the result is not whole.
//
// With keep_end TRL cuts the row of chosen and the row of rejected each by
// itself, so that their prompts begin at different tokens. A pair has one prompt
// here: the shorter of the two, levelled being true then.
func (p Profile) cut(x ids) (out ids, levelled bool) {
	switch p.Name {
	case TRL074:
		return p.cutParts(x), false
	case TRL028:
		x.prompt = lastOf(x.prompt, p.MaxPromptLength)
	}
	if p.TruncationMode == KeepStart {
		room := p.MaxLength - len(x.prompt)
		return ids{x.prompt, firstOf(x.chosen, room), firstOf(x.rejected, room)}, false
	}
	overChosen := max(0, len(x.prompt)+len(x.chosen)-p.MaxLength)
	overRejected := max(0, len(x.prompt)+len(x.rejected)-p.MaxLength)
	x.prompt = lastOf(x.prompt, len(x.prompt)-max(overChosen, overRejected))
	return x, overChosen != overRejected && len(x.prompt) > 0
}

// cutParts is the rule of TRL 0.7.4's DPODataCollatorWithPadding.
func (p Profile) cutParts(x ids) ids {
	if len(x.prompt)+x.longer() > p.MaxLength {
		if p.TruncationMode == KeepStart {
			x.prompt = firstOf(x.prompt, p.MaxPromptLength)
		} else {
			x.prompt = lastOf(x.prompt, p.MaxPromptLength)
		}
	}
	if len(x.prompt)+x.longer() > p.MaxLength {
		room := p.MaxLength - p.MaxPromptLength
		x.chosen, x.rejected = firstOf(x.chosen, room), firstOf(x.rejected, room)
	}
	return x
}

// firstOf returns the first n of s, all of them where there are fewer, none
// where n is negative.
func firstOf(s []int32, n int) []int32 {
	return s[:min(len(s), max(0, n))]
}

// lastOf returns the last n of s, by the same rule.
func lastOf(s []int32, n int) []int32 {
	return s[len(s)-min(len(s), max(0, n)):]
}
