package prefix

// A trie holds sequences of tokens. A node is a run of tokens; runs that begin
// alike are split where they part. Nodes are named by their index.
type trie struct {
	nodes    []node
	children map[edge]int32
}

type node struct {
	tokens []int32
	parent int32 // root = -1
	start  int32 // depth of tokens[0]
	length int32 // Segment.Length
}

func (n *node) end() int32 { return n.start + int32(len(n.tokens)) }

// An edge leads from the end of a node to the child that begins with a token.
type edge struct {
	parent int32
	token  int32
}

const root = -1

// A place is a point in the trie: depth tokens from the root, in or at the end of
// a node, or of an ancestor of it where the node has been split since.
type place struct {
	node  int32
	depth int32
}

func newTrie() *trie { return &trie{children: make(map[edge]int32)} }

// insert puts tokens behind a place and returns the place of the last one.
func (t *trie) insert(at place, tokens []int32) place {
	at = t.resolve(at)
	for len(tokens) > 0 {
		if at.node == root || at.depth == t.nodes[at.node].end() {
			child, ok := t.children[edge{at.node, tokens[0]}]
			if !ok {
				return t.grow(at, tokens)
			}
			at.node = child
		}
		n := &t.nodes[at.node]
		k := common(n.tokens[at.depth-n.start:], tokens)
		at.depth += int32(k)
		tokens = tokens[k:]
		if len(tokens) > 0 && at.depth < t.nodes[at.node].end() {
			at.node = t.split(at)
		}
	}
	return at
}

// grow adds a node of tokens under the node that ends at a place.
func (t *trie) grow(at place, tokens []int32) place {
	id := int32(len(t.nodes))
	n := node{tokens: tokens, parent: at.node, start: at.depth}
	t.nodes = append(t.nodes, n)
	t.children[edge{at.node, tokens[0]}] = id
	return place{id, n.end()}
}

// split divides a node at a place within it. The lower half keeps its index, so
// that its children and the places at its end remain; the upper half is returned.
func (t *trie) split(at place) int32 {
	id := int32(len(t.nodes))
	lower := &t.nodes[at.node]
	k := at.depth - lower.start
	upper := node{tokens: lower.tokens[:k:k], parent: lower.parent, start: lower.start}
	lower.tokens, lower.parent, lower.start = lower.tokens[k:], id, at.depth
	t.children[edge{upper.parent, upper.tokens[0]}] = id
	t.children[edge{id, lower.tokens[0]}] = at.node
	t.nodes = append(t.nodes, upper)
	return id
}

// resolve finds the node that a place is in now.
func (t *trie) resolve(at place) place {
	for at.node != root && at.depth <= t.nodes[at.node].start {
		at.node = t.nodes[at.node].parent
	}
	return at
}

// alone adds the sequence that the parts make as a node that no other reaches.
func (t *trie) alone(length int, parts ...[]int32) place {
	at := place{node: root}
	for _, tokens := range parts {
		if len(tokens) == 0 {
			continue
		}
		id := int32(len(t.nodes))
		n := node{tokens: tokens, parent: at.node, start: at.depth, length: int32(length)}
		t.nodes = append(t.nodes, n)
		at = place{id, n.end()}
	}
	return at
}

// depthFirst returns the nodes' indices, parents before their children and
// subtrees together.
func (t *trie) depthFirst() []int32 {
	before := make([]int32, len(t.nodes)) // the sibling added before
	last := make([]int32, len(t.nodes)+1) // of each parent, the child added last; the root's first
	for i := range last {
		last[i] = root
	}
	for i := range t.nodes {
		before[i] = last[t.nodes[i].parent+1]
		last[t.nodes[i].parent+1] = int32(i)
	}
	order := make([]int32, 0, len(t.nodes))
	var stack []int32
	push := func(parent int32) {
		for c := last[parent+1]; c != root; c = before[c] {
			stack = append(stack, c)
		}
	}
	push(root)
	for len(stack) > 0 {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		order = append(order, id)
		push(id)
	}
	return order
}

// common returns the length of the longest common prefix.
func common(a, b []int32) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
