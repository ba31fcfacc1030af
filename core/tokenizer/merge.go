package tokenizer

// A merger is the scratch in which a word's symbols are merged.
type merger struct {
	ranks []int32 // of the pair that each symbol begins
	next  []int32
	prev  []int32
	heap  []candidate
}

// longWord is the number of symbols from which a heap pays.
const longWord = 64

// run merges the symbols of word, which it overwrites, and appends the result.
func (g *merger) run(m *bpe, word string, symbols, tokens []token) []token {
	g.start(m, word, symbols)
	if len(symbols) > longWord {
		return g.runLong(m, symbols, tokens)
	}
	ranks := g.ranks
	for {
		best, at := int32(noRank), 0
		for i, r := range ranks {
			if r < best {
				best, at = r, i
			}
		}
		if best == noRank {
			return append(tokens, symbols...)
		}
		symbols[at] = token{m.merged[best], symbols[at].size + symbols[at+1].size}
		symbols = append(symbols[:at+1], symbols[at+2:]...)
		ranks = append(ranks[:at], ranks[at+1:]...)
		if at > 0 {
			ranks[at-1] = m.pairs.rank(symbols[at-1].id, symbols[at].id)
		}
		if at < len(ranks) {
			ranks[at] = m.pairs.rank(symbols[at].id, symbols[at+1].id)
		}
	}
}

// start sets the ranks of the pairs of symbols that word begins as.
func (g *merger) start(m *bpe, word string, symbols []token) {
	ranks := g.ranks[:0]
	if m.bytePairs != nil && len(symbols) == len(word) {
		for i := 1; i < len(word); i++ {
			ranks = append(ranks, m.bytePairs[word[i-1]][word[i]])
		}
	} else {
		for i := 1; i < len(symbols); i++ {
			ranks = append(ranks, m.pairs.rank(symbols[i-1].id, symbols[i].id))
		}
	}
	g.ranks = ranks
}

// A candidate is a merge that was possible when it was found.
type candidate struct{ rank, at int32 }

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.at < d.at
}

// runLong is run in n log n: symbols form a list, a heap holds the candidates, and
// one whose pair has changed since is passed over.
func (g *merger) runLong(m *bpe, symbols, tokens []token) []token {
	n := int32(len(symbols))
	g.ranks = append(g.ranks, noRank)
	g.next, g.prev, g.heap = g.next[:0], g.prev[:0], g.heap[:0]
	for i := range n {
		g.next = append(g.next, i+1)
		g.prev = append(g.prev, i-1)
		if r := g.ranks[i]; r != noRank {
			g.push(candidate{r, i})
		}
	}
	for len(g.heap) > 0 {
		c := g.pop()
		at := c.at
		if g.ranks[at] != c.rank {
			continue
		}
		right := g.next[at]
		symbols[at] = token{m.merged[c.rank], symbols[at].size + symbols[right].size}
		g.ranks[right] = noRank
		g.next[at] = g.next[right]
		if g.next[at] < n {
			g.prev[g.next[at]] = at
		}
		g.consider(m, symbols, at)
		if g.prev[at] >= 0 {
			g.consider(m, symbols, g.prev[at])
		}
	}
	for i := int32(0); i < n; i = g.next[i] {
		tokens = append(tokens, symbols[i])
	}
	return tokens
}

// consider notes the rank of the pair that begins at symbol i.
func (g *merger) consider(m *bpe, symbols []token, i int32) {
	g.ranks[i] = noRank
	if right := g.next[i]; right < int32(len(symbols)) {
		if r := m.pairs.rank(symbols[i].id, symbols[right].id); r != noRank {
			g.ranks[i] = r
			g.push(candidate{r, i})
		}
	}
}

func (g *merger) push(c candidate) {
	h := append(g.heap, c)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !c.before(h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = c
	g.heap = h
}

func (g *merger) pop() candidate {
	h := g.heap
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	g.heap = h
	if len(h) == 0 {
		return top
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down+1].before(h[down]) {
			down++
		}
		if !h[down].before(last) {
			break
		}
		h[i] = h[down]
		i = down
	}
	h[i] = last
	return top
}
