package kernels

// Element is the type of a matrix product's operand: float32, or uint16 holding
// bfloat16.
type Element interface{ float32 | uint16 }

// GemmNN sets C [m,n] = A·B, or adds it, for A [m,k] and B [k,n].
func GemmNN[A, B Element](p *Pool, m, n, k int, a []A, lda int, b []B, ldb int, accumulate bool, c []float32, ldc int) {
	check("a", a, m, k, lda)
	check("b", b, k, n, ldb)
	check("c", c, m, n, ldc)
	newProduct(k, operandOf(a, lda, true), operandOf(b, ldb, false), accumulate, c, ldc).run(p, m, n)
}

// GemmNT sets C [m,n] = A·Bᵀ, or adds it, for A [m,k] and B [n,k].
func GemmNT[A, B Element](p *Pool, m, n, k int, a []A, lda int, b []B, ldb int, accumulate bool, c []float32, ldc int) {
	check("a", a, m, k, lda)
	check("b", b, n, k, ldb)
	check("c", c, m, n, ldc)
	newProduct(k, operandOf(a, lda, true), operandOf(b, ldb, true), accumulate, c, ldc).run(p, m, n)
}

// GemmTN sets C [m,n] = Aᵀ·B, or adds it, for A [k,m] and B [k,n].
func GemmTN[A, B Element](p *Pool, m, n, k int, a []A, lda int, b []B, ldb int, accumulate bool, c []float32, ldc int) {
	check("a", a, k, m, lda)
	check("b", b, k, n, ldb)
	check("c", c, m, n, ldc)
	newProduct(k, operandOf(a, lda, false), operandOf(b, ldb, false), accumulate, c, ldc).run(p, m, n)
}

// A product is C = A·B by the scheme of Goto and van de Geijn (2008, "Anatomy of
// high-performance matrix multiplication"): blocks of A and B that fit the caches
// are packed into panels as wide as a register tile, and tiles of C are computed
// from them. Between blocks of k a tile rests in C, which changes no bit.
type product struct {
	k    int
	a, b operand
	load bool // C is added to
	c    []float32
	ldc  int
	*tiling
	dot bool // elements of the packed panels are pairs of bfloat16
}

// Block sizes in elements, variables for the tests: a block of B takes a part of the
// level-3 cache, and a block of A, tiling.blockTiles tiles high, a part of level 2.
// Between these and half or twice of them the difference is a few hundredths. An A of up
// to keepA stays packed for all blocks of columns.
var (
	blockK = 1024
	blockB = 1 << 19
	keepA  = 4 << 20
)

func newProduct(k int, a, b operand, load bool, c []float32, ldc int) product {
	g := product{k: k, a: a, b: b, load: load, c: c, ldc: ldc, tiling: &active.tiles}
	if a.f32 == nil && b.f32 == nil && active.dots != nil {
		g.tiling, g.dot = active.dots, true
	}
	return g
}

// run computes C on all threads.
func (g product) run(p *Pool, m, n int) {
	units := ceilDiv(m, g.blockTiles*g.mr)
	switch work := m * n * max(g.k, 1); {
	case m == 0 || n == 0:
	case p.Threads() == 1 || work <= 1<<16:
		g.split(p, m, n, m, n)
	case units < 2*p.Threads():
		rows, cols := g.blocking(m, n, min(2*p.Threads(), 1+work>>16))
		g.split(p, m, n, rows, cols)
	default:
		g.share(p, m, n)
	}
}

// split computes C in blocks of rows x cols, each by one thread.
func (g product) split(p *Pool, m, n, rows, cols int) {
	across := ceilDiv(n, cols)
	down := ceilDiv(m, rows)
	p.For(across*down, 1, func(lo, hi int) {
		s := p.scratch()
		defer p.release(s)
		for t := lo; t < hi; t++ {
			i, j := t/across*rows, t%across*cols
			g.block(s, i, min(i+rows, m), j, min(j+cols, n))
		}
	})
}

// share computes C by blocks of B that all threads pack together, and then take blocks
// of A to multiply in turn: of one block nothing is packed twice, and a slow thread takes
// fewer.
func (g product) share(p *Pool, m, n int) {
	k := g.steps()
	if k == 0 {
		g.clear(0, m, 0, n)
		return
	}
	shared := p.panels.take()
	defer p.panels.put(shared)
	w := &shared.work
	*w = g.plan(m, n, k, p.threads)
	w.shared(shared.take(w.sizeShared()))
	pack := func(lo, hi int) {
		own := p.scratch()
		defer p.release(own)
		own.adopt(w).packB(lo, hi)
	}
	multiply := func(lo, hi int) {
		own := p.scratch()
		defer p.release(own)
		o := own.adopt(w)
		for i := lo * w.mc; i < min(hi*w.mc, m); i += w.mc {
			o.multiply(i, min(w.mc, m-i))
		}
	}
	w.each(n, k, func() {
		panels := w.panels()
		p.For(panels, ceilDiv(panels, 2*p.threads), pack)
		p.For(ceilDiv(m, w.mc), 1, multiply)
	})
}

// blocking cuts C into about parts blocks such that the least is packed: a block of
// rows x cols packs that many rows of A and columns of B.
func (t *tiling) blocking(m, n, parts int) (rows, cols int) {
	rows, cols = m, n
	least := 0
	for down := 1; down <= parts; down++ {
		r := evenly(m, down, t.mr)
		c := evenly(n, (parts+down-1)/down, t.nr)
		blocks := ceilDiv(m, r) * ceilDiv(n, c)
		if cost := blocks * (r + c); blocks*2 > parts && (least == 0 || cost < least) {
			least, rows, cols = cost, r, c
		}
	}
	return rows, cols
}

// evenly returns the size of n's parts, a multiple of unit.
func evenly(n, parts, unit int) int {
	return ceilDiv(n, parts*unit) * unit
}

// steps is k as the tiles count it.
func (g product) steps() int {
	if g.dot {
		return (g.k + 1) / 2
	}
	return g.k
}

// block computes C[i0:i1, j0:j1] on one thread.
func (g product) block(s *scratch, i0, i1, j0, j1 int) {
	k := g.steps()
	if k == 0 {
		g.clear(i0, i1, j0, j1)
		return
	}
	w := &s.work
	*w = g.plan(i1-i0, j1-j0, k, 1)
	room := s.take(w.sizeShared() + w.sizeOwn())
	w.shared(room[:w.sizeShared()])
	w.own(room[w.sizeShared():])
	w.i0, w.j0 = i0, j0
	w.each(j1-j0, k, func() {
		w.packB(0, w.panels())
		for i := i0; i < i1; i += w.mc {
			w.multiply(i, min(w.mc, i1-i))
		}
	})
}

// clear is the product for k = 0.
func (g product) clear(i0, i1, j0, j1 int) {
	for i := i0; i < i1 && !g.load; i++ {
		clear(g.c[i*g.ldc+j0 : i*g.ldc+j1])
	}
}

// A workspace is a product at work: its blocks, and where they are packed.
type workspace struct {
	product
	kc      int // sizes of blocks
	mc, nc  int
	blocks  int // of A
	step    int // rows of a tile
	l, kn   int // the block of k at hand
	i0, j0  int // the first row and column
	j, jn   int // the block of columns at hand
	adds    bool
	packed  [2]int    // rows and steps of A that are packed
	directA bool      // tiles read A where it lies
	directB bool      // and B, but for an incomplete panel
	keeps   bool      // all blocks of A stay packed
	panelsB []float32 // packed blocks
	keptA   []float32
	panelsA []float32
	lanes   []float32 // room for the packers
	edge    []float32 // a tile of C at its right edge
}

// slack follows each panel, for what packers write beyond it.
const slack = 16

// plan sizes the blocks for an m x n part of C. Packing pays when a panel is read
// often. Threads that share a block of B get as many blocks of A each.
func (g product) plan(m, n, k, threads int) workspace {
	mr, nr := g.mr, g.nr
	blocks := ceilDiv(m, g.blockTiles*mr)
	w := workspace{product: g, kc: g.padded(blocksOf(k, blockK)), mc: ceilDiv(m, ceilDiv(blocks, threads)*threads)}
	w.nc = evenly(n, ceilDiv(n*w.kc, blockB), nr)
	w.step = blocksOf(min(w.mc, m), mr)
	w.directA = !g.dot && g.a.f32 != nil && (n <= 4*nr || m <= 4*mr)
	if g.unit > 0 {
		w.mc = evenly(m, ceilDiv(blocks, threads)*threads, mr)
		w.step = w.mc
		w.directA = g.a.contiguous && g.a.ld%2 == 0 && g.k%(2*g.unit) == 0
	}
	w.directB = !g.dot && g.b.f32 != nil && !g.b.contiguous && m <= 2*mr
	w.keeps = !w.directA && n > w.nc && m*w.kc <= keepA
	w.blocks = ceilDiv(m, w.mc)
	if m <= 4*mr {
		w.nc = min(n, 2*nr) // panels are read a few times: they should not leave the cache
	}
	return w
}

// sizeShared is the room for what threads share: a block of B, and A where it is kept.
func (w *workspace) sizeShared() int {
	if w.keeps {
		return w.sizeB() + w.blocks*w.sizeA()
	}
	return w.sizeB()
}

// shared lays it out.
func (w *workspace) shared(room []float32) {
	w.panelsB, w.keptA = room[:w.sizeB()], room[w.sizeB():]
}

func (w *workspace) sizeB() int {
	return whole(ceilDiv(w.nc, w.nr) * (w.nr*w.kc + slack))
}

// sizeOwn is the room for what belongs to one thread.
func (w *workspace) sizeOwn() int {
	return w.sizeA() + w.sizeLanes() + w.step*w.nr
}

func (w *workspace) sizeA() int {
	if w.unit > 0 {
		return ceilDiv(w.mc, active.lanes) * active.lanes * rowStride(w.kc)
	}
	return whole(ceilDiv(w.mc, w.step) * (w.mr*w.kc + slack))
}

func (w *workspace) sizeLanes() int { return whole(active.lanes*w.kc + slack) }

// whole rounds a size up to lines.
func whole(n int) int { return (n + 15) / 16 * 16 }

// own lays it out.
func (w *workspace) own(room []float32) {
	a, lanes := w.sizeA(), w.sizeLanes()
	w.panelsA, w.lanes, w.edge = room[:a], room[a:a+lanes], room[a+lanes:]
	w.packed = [2]int{-1, -1}
}

// adopt returns the workspace with a thread's own room.
func (s *scratch) adopt(w *workspace) *workspace {
	s.work = *w
	s.work.own(s.take(w.sizeOwn()))
	return &s.work
}

// each calls f for every block of k steps and n columns, which it sets.
func (w *workspace) each(n, k int, f func()) {
	for l := 0; l < k; l += w.kc {
		w.l, w.kn, w.adds = l, min(w.kc, k-l), w.load || l > 0
		for j := 0; j < n; j += w.nc {
			w.j, w.jn = w.j0+j, min(w.nc, n-j)
			f()
		}
	}
}

// panel returns panel i of packed panels of the given width.
func (w *workspace) panel(packed []float32, i, width int) []float32 {
	return packed[i*w.panelSize(width):]
}

func (w *workspace) panelSize(width int) int { return width*w.padded(w.kn) + slack }

// blocksOf returns the size of equal blocks of at most limit that cover n.
func blocksOf(n, limit int) int { return ceilDiv(n, ceilDiv(n, limit)) }

// ceilDiv returns n/d rounded up: how many blocks of d cover n, or the size of d blocks.
func ceilDiv(n, d int) int { return (n + d - 1) / d }

// packA packs n rows of A from i on, unless they are.
func (w *workspace) packA(i, n int) {
	at := [2]int{i, w.l}
	packed := w.packed == at
	if w.keeps {
		w.panelsA = w.keptA[(i-w.i0)/w.mc*w.sizeA():]
		packed = w.j > w.j0
	}
	switch {
	case w.directA || packed:
		return
	case w.unit > 0:
		w.a.packByRows(w, w.panelsA, i, n)
	default:
		w.a.pack(w, w.panelsA, w.mr, w.step, i, n)
	}
	w.packed = at
}

// panels is the number of panels in the block of columns at hand.
func (w *workspace) panels() int { return ceilDiv(w.jn, w.nr) }

// packB packs panels [lo, hi) of the block at hand.
func (w *workspace) packB(lo, hi int) {
	nr := w.nr
	if w.directB {
		lo = max(lo, w.jn/nr)
	}
	if lo < hi {
		w.b.pack(w, w.panel(w.panelsB, lo, nr), nr, nr, w.j+lo*nr, min(hi*nr, w.jn)-lo*nr)
	}
}

// multiply computes n rows of C from i on, in the block of columns at hand.
func (w *workspace) multiply(i, n int) {
	w.packA(i, n)
	w.tiles(i, n, w.j, w.jn)
}

// tiles computes C[i:i+m, j:j+n] from the packed blocks.
func (w *workspace) tiles(i, m, j, n int) {
	nr := w.nr
	for jj := 0; jj < n; jj += nr {
		b, bs := w.panel(w.panelsB, jj/nr, nr), nr
		if w.directB && jj+nr <= n {
			b, bs = w.b.f32[w.l*w.b.ld+j+jj:], w.b.ld
		}
		for ii := 0; ii < m; ii += w.step {
			a, rs, ks := w.rowsOfA(i, ii)
			rows, c := min(w.step, m-ii), w.c[(i+ii)*w.ldc+j+jj:]
			if jj+nr <= n {
				w.tile(rows, w.padded(w.kn), a, rs, ks, b, bs, c, w.ldc, w.adds)
			} else {
				w.edgeTile(rows, n-jj, a, rs, ks, b, bs, c)
			}
		}
	}
}

// rowsOfA returns A from row i+ii on, with the strides of rows and steps, where i is the
// block's first row.
func (w *workspace) rowsOfA(i, ii int) (a []float32, rs, ks int) {
	switch {
	case w.directA:
		return w.a.at(i+ii, w.l)
	case w.unit > 0:
		return w.panelsA, rowStride(w.kn), 1
	}
	return w.panel(w.panelsA, ii/w.step, w.mr), 1, w.mr
}

// edgeTile computes a tile of fewer columns through a whole one beside C.
func (w *workspace) edgeTile(rows, cols int, a []float32, rs, ks int, b []float32, bs int, c []float32) {
	nr := w.nr
	for r := 0; r < rows && w.adds; r++ {
		copy(w.edge[r*nr:r*nr+cols], c[r*w.ldc:])
	}
	w.tile(rows, w.padded(w.kn), a, rs, ks, b, bs, w.edge, nr, w.adds)
	for r := range rows {
		copy(c[r*w.ldc:r*w.ldc+cols], w.edge[r*nr:])
	}
}
