package prefix

import "github.com/stepwise-dpo/stepwise/core"

// A planner fills the trie, remembers where each completion ends, and lays the
// forest out.
type planner struct {
	trie  *trie
	ends  []ending
	naive int
}

// An ending is a completion's last row and what it needs to be scored.
type ending struct {
	at         place
	completion []int32
}

func (p *planner) add(item core.Item, alone func(int) bool) {
	var prompt place
	shared := false
	for _, c := range item.Completions {
		fed, length := c[:len(c)-1], len(item.Prompt)+len(c)
		p.naive += length - 1
		var at place
		if alone != nil && alone(length) {
			at = p.trie.alone(length, item.Prompt, fed)
		} else {
			if !shared {
				prompt, shared = p.trie.insert(place{node: root}, item.Prompt), true
			}
			at = p.trie.insert(prompt, fed)
		}
		p.ends = append(p.ends, ending{at, c})
	}
}

// forest lays the trie out depth first.
func (p *planner) forest() *Forest {
	order := p.trie.depthFirst()
	f := &Forest{Segments: make([]Segment, len(order))}
	place := make([]int32, len(order)) // of each node, its segment
	for s, id := range order {
		n := &p.trie.nodes[id]
		place[id] = int32(s)
		parent := root
		if n.parent != root {
			parent = int(place[n.parent])
		}
		f.Segments[s] = Segment{Tokens: n.tokens, Parent: parent, Start: int(n.start), Row: f.Rows, Length: int(n.length)}
		f.Rows += len(n.tokens)
	}
	p.target(f, place)
	f.Counts = Counts{Naive: p.naive, Grouped: p.grouped(), Shared: f.Rows}
	return f
}

// target fills f.targets: a counting sort of the completions' tokens by row.
func (p *planner) target(f *Forest, segment []int32) {
	next := make([]int, f.Rows+1)
	p.rows(f, segment, func(t Target) { next[t.Row+1]++ })
	for r := range f.Rows {
		next[r+1] += next[r]
	}
	f.first = make([]int, len(f.Segments)+1)
	for s, seg := range f.Segments {
		f.first[s] = next[seg.Row]
	}
	f.targets = make([]Target, next[f.Rows])
	f.first[len(f.Segments)] = len(f.targets)
	p.rows(f, segment, func(t Target) {
		f.targets[next[t.Row]] = t
		next[t.Row]++
	})
}

// rows calls yield with each token of each completion, from the last to the first.
func (p *planner) rows(f *Forest, segment []int32, yield func(Target)) {
	for i, e := range p.ends {
		at := p.trie.resolve(e.at)
		s, depth := int(segment[at.node]), int(at.depth)
		for k := len(e.completion) - 1; k >= 0; k-- {
			for depth <= f.Segments[s].Start {
				s = f.Segments[s].Parent
			}
			seg := &f.Segments[s]
			yield(Target{Row: seg.Row + depth - 1 - seg.Start, Completion: i, Index: k, Token: e.completion[k]})
			depth--
		}
	}
}

// grouped counts the tokens of the distinct inputs.
func (p *planner) grouped() int {
	seen := make(map[place]bool, len(p.ends))
	total := 0
	for _, e := range p.ends {
		if at := p.trie.resolve(e.at); !seen[at] {
			seen[at] = true
			total += int(at.depth)
		}
	}
	return total
}
