package preference

import "slices"

// tally counts as rows come in.
type tally struct {
	r       Report
	format  string
	max     int
	chat    bool
	seen    map[digest]bool
	prompts []int
	answers []int
	rows    []int
}

func newTally(s Spec, enc *Encoder) *tally {
	return &tally{
		r:      Report{Source: s.Name, Path: s.Path, Profile: enc.profile},
		format: s.Format,
		max:    enc.profile.MaxLength,
		chat:   enc.template != nil,
		seen:   map[digest]bool{},
	}
}

// pairs returns the number of rows that were pairs, kept or not.
func (t *tally) pairs() int { return t.r.Rows - t.r.Ties }

// add counts one row.
func (t *tally) add(x encoded) {
	t.r.Rows++
	switch x.fate {
	case tied:
		t.r.Ties++
	case emptyCompletion:
		t.r.EmptyCompletions++
	case noPrompt:
		t.r.NoPrompt++
	case tooLong:
		t.r.TooLong++
		t.measure(x.full)
	case kept:
		t.r.Train++
		t.measure(x.full)
		t.addKept(x)
	}
}

// addKept counts what is worth knowing about a kept pair.
func (t *tally) addKept(x encoded) {
	increment := func(n *int, when bool) {
		if when {
			*n++
		}
	}
	d := pairDigest(x.pair)
	increment(&t.r.Duplicates, t.seen[d])
	t.seen[d] = true
	increment(&t.r.Identical, slices.Equal(x.pair.ChosenIDs, x.pair.RejectedIDs))
	lostPrompt, lostChosen, lostRejected := x.lost()
	increment(&t.r.Truncated, !x.given && lostPrompt+lostChosen+lostRejected > 0)
	increment(&t.r.Levelled, x.levelled)
	increment(&t.r.NonPrefix, x.nonPrefix)
	increment(&t.r.Overlong, x.given && len(x.full.prompt)+x.full.longer() > t.max)
	increment(&t.r.Untemplated, x.text && t.chat)
}

// measure notes the lengths of a pair that was not cut yet.
func (t *tally) measure(x ids) {
	t.prompts = append(t.prompts, len(x.prompt))
	t.answers = append(t.answers, len(x.chosen), len(x.rejected))
	t.rows = append(t.rows, len(x.prompt)+x.longer())
}

// report returns what was counted so far.
func (t *tally) report() Report {
	r := t.r
	r.Format = t.format
	r.PromptTokens = quantiles(t.prompts)
	r.CompletionTokens = quantiles(t.answers)
	r.RowTokens = quantiles(t.rows)
	return r
}

// quantiles returns order statistics of n, which it sorts: the value at or below
// which a share p of the values lies.
func quantiles(n []int) Quantiles {
	if len(n) == 0 {
		return Quantiles{}
	}
	slices.Sort(n)
	at := func(percent int) int { return n[(percent*len(n)+99)/100-1] }
	return Quantiles{Min: n[0], P50: at(50), P90: at(90), P99: at(99), Max: n[len(n)-1]}
}
