package tokenizer

import "strings"

// A matcher finds the leftmost longest of a set of strings. It is a trie whose nodes are edges in one map, behind a table
// of the bytes a match can begin with.
type matcher struct {
	edges map[edge]int32
	value []int32 // of each node: the number given to add, or -1
	first [256]bool
	only  string // the one byte every match begins with, if there is one
}

type edge struct {
	node int32
	b    byte
}

// add makes next find s, which must not be empty, and return i for it.
func (m *matcher) add(s string, i int) {
	if m.edges == nil {
		m.edges = map[edge]int32{}
		m.value = []int32{-1}
		m.only = s[:1]
	}
	if m.only != s[:1] {
		m.only = ""
	}
	m.first[s[0]] = true
	node := int32(0)
	for k := range len(s) {
		e := edge{node, s[k]}
		next, ok := m.edges[e]
		if !ok {
			next = int32(len(m.value))
			m.edges[e] = next
			m.value = append(m.value, -1)
		}
		node = next
	}
	m.value[node] = int32(i)
}

// next returns the first match in s at or after from; i is -1 where there is none.
func (m *matcher) next(s string, from int) (start, end, i int) {
	if m.edges == nil {
		return 0, 0, -1
	}
	for at := from; at < len(s); at++ {
		if m.only != "" {
			k := strings.Index(s[at:], m.only)
			if k < 0 {
				return 0, 0, -1
			}
			at += k
		} else if !m.first[s[at]] {
			continue
		}
		if n, i := m.longest(s[at:]); i >= 0 {
			return at, at + n, i
		}
	}
	return 0, 0, -1
}

// longest returns the length and number of the longest string that s begins with.
func (m *matcher) longest(s string) (n, i int) {
	i = -1
	node := int32(0)
	for k := range len(s) {
		next, ok := m.edges[edge{node, s[k]}]
		if !ok {
			break
		}
		node = next
		if v := m.value[node]; v >= 0 {
			n, i = k+1, int(v)
		}
	}
	return n, i
}

// prefixes calls found for each string that s begins with, shortest first.
func (m *matcher) prefixes(s string, found func(n, i int)) {
	node := int32(0)
	for k := range len(s) {
		next, ok := m.edges[edge{node, s[k]}]
		if !ok {
			return
		}
		node = next
		if v := m.value[node]; v >= 0 {
			found(k+1, int(v))
		}
	}
}
