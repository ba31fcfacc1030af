package kernels

import "fmt"

// Rotary turns queries and keys by their position (Su et al. 2021, RoFormer) in the
// arrangement of Hugging Face's rotate_half: dimension i < Half pairs with i+Half.
// Dimensions from 2·Half on stay as they are.
type Rotary struct {
	Half     int       // pairs turned in each head
	Cos, Sin []float32 // [positions][Half]
}

// Apply turns each head of x [rows, heads·dim] in place by the angles of the row's
// position.
func (r Rotary) Apply(p *Pool, rows, heads, dim int, x []float32, ldx int, pos []int32) {
	r.turn(p, rows, heads, dim, x, ldx, pos, 1)
}

// Undo turns back: it is Apply's inverse and, on gradients, its backward pass.
func (r Rotary) Undo(p *Pool, rows, heads, dim int, x []float32, ldx int, pos []int32) {
	r.turn(p, rows, heads, dim, x, ldx, pos, -1)
}

func (r Rotary) turn(p *Pool, rows, heads, dim int, x []float32, ldx int, pos []int32, sign float32) {
	check("x", x, rows, heads*dim, ldx)
	checkLen("pos", pos, rows)
	if 2*r.Half > dim {
		panic(fmt.Sprintf("kernels: rotary turns %d dimensions of heads of %d", 2*r.Half, dim))
	}
	h := r.Half
	p.For(rows, grainFor(rows, 2*heads*dim), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			at := int(pos[i]) * h
			cos, sin := r.Cos[at:at+h], r.Sin[at:at+h]
			for j := i * ldx; j < i*ldx+heads*dim; j += dim {
				active.rotate(x[j:j+h], x[j+h:j+2*h], cos, sin, sign)
			}
		}
	})
}
