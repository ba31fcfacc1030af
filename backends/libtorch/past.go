//go:build libtorch

package libtorch

import "github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"

// A past holds, by layer, the keys and values of the path to a batch's first row.
type past []cache

// A cache is keys and values, each [positions, heads, dim] or none.
type cache struct{ keys, values torch.Tensor }

func (p past) layer(at int) cache {
	if p == nil {
		return cache{}
	}
	return p[at]
}

// advance takes the next batch's cache out of the scope s, in place of this one's.
func (p past) advance(s *torch.Scope, at int, next cache) {
	if p == nil {
		return
	}
	p[at].free()
	p[at] = cache{s.Keep(next.keys), s.Keep(next.values)}
}

func (p past) free() {
	for _, c := range p {
		c.free()
	}
}

func (c cache) free() {
	c.keys.Free()
	c.values.Free()
}
