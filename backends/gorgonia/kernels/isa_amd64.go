package kernels

import (
	"golang.org/x/sys/cpu"

	"github.com/stepwise-dpo/stepwise/backends/gorgonia/kernels/internal/amx"
)

//go:generate go -C asm run . -isa avx2 -out ../avx2_amd64.s -stubs ../avx2_amd64.go -pkg kernels
//go:generate go -C asm run . -isa avx512 -out ../avx512_amd64.s -stubs ../avx512_amd64.go -pkg kernels
//go:generate go -C asm run . -isa amx -out ../amx_amd64.s -stubs ../amx_amd64.go -pkg kernels
//go:generate go -C asm run . -isa pause -out ../pause_amd64.s -stubs ../pause_amd64.go -pkg kernels

// available returns the instruction sets that this processor has, the best last.
func available() []*isa {
	sets, x := []*isa{&portable}, &cpu.X86
	if x.HasAVX2 && x.HasFMA {
		sets = append(sets, &avx2)
	}
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasBMI2 {
		wide := avx512
		if !x.HasAVX512BF16 {
			wide.dots = nil
		}
		sets = append(sets, &wide)
		if amx.Allowed() {
			matrix := wide
			matrix.name, matrix.dots = "amx", &amxDots
			sets = append(sets, &matrix)
		}
	}
	return sets
}

var avx2 = isa{
	name: "avx2",
	tiles: tiling{mr: 6, nr: 16, blockTiles: 4, tile: tileOrPanel(6, 16, tileRows(tile1AVX2, tile2AVX2, tile3AVX2, tile4AVX2, tile5AVX2, tile6AVX2),
		panelTile1AVX2, panelTile2AVX2, panelTile3AVX2, panelTile4AVX2, panelTile5AVX2, panelTile6AVX2)},
	lanes: 8, transpose: transposeAVX2, transposeBF16: transposeBF16AVX2, rows: rowsAVX2, rowsBF16: rowsBF16AVX2,
	max: maxAVX2, expSum: expSumAVX2, sumExp: sumExpAVX2, sumSquares: sumSquaresAVX2, dot: dotAVX2, dot3: dot3AVX2,
	scale: scaleAVX2, axpy: axpyAVX2, add: addAVX2, mulAdd: mulAddAVX2, scaleMul: scaleMulAVX2,
	normGrad: normGradAVX2, normGradAdd: normGradAddAVX2, softmaxGrad: softmaxGradAVX2,
	swiGLU: swiGLUAVX2, swiGLUGrad: swiGLUGradAVX2, rotate: rotateAVX2, adamW: adamWAVX2, rmsProp: rmsPropAVX2,
	bf16ToF32: wholes(8, bf16ToF32AVX2, bf16ToF32Go), f32ToBF16: wholes(8, f32ToBF16AVX2, f32ToBF16Go),
}

var avx512 = isa{
	name: "avx512",
	tiles: tiling{mr: 14, nr: 32, blockTiles: 8, tile: tileOrPanel(14, 32,
		tileRows(tile1AVX512, tile2AVX512, tile3AVX512, tile4AVX512, tile5AVX512, tile6AVX512, tile7AVX512,
			tile8AVX512, tile9AVX512, tile10AVX512, tile11AVX512, tile12AVX512, tile13AVX512, tile14AVX512),
		panelTile1AVX512, panelTile2AVX512, panelTile3AVX512, panelTile4AVX512, panelTile5AVX512, panelTile6AVX512, panelTile7AVX512,
		panelTile8AVX512, panelTile9AVX512, panelTile10AVX512, panelTile11AVX512, panelTile12AVX512, panelTile13AVX512, panelTile14AVX512)},
	dots: &tiling{mr: 14, nr: 32, blockTiles: 8, tile: tileRows(dotTile1AVX512, dotTile2AVX512, dotTile3AVX512, dotTile4AVX512, dotTile5AVX512, dotTile6AVX512, dotTile7AVX512,
		dotTile8AVX512, dotTile9AVX512, dotTile10AVX512, dotTile11AVX512, dotTile12AVX512, dotTile13AVX512, dotTile14AVX512)},
	lanes: 16, transpose: transposeAVX512, transposeBF16: transposeBF16AVX512, rows: rowsAVX512, rowsBF16: rowsBF16AVX512, pairs: pairsAVX512,
	max: maxAVX512, expSum: expSumAVX512, sumExp: sumExpAVX512, sumSquares: sumSquaresAVX512, dot: dotAVX512, dot3: dot3AVX512,
	scale: scaleAVX512, axpy: axpyAVX512, add: addAVX512, mulAdd: mulAddAVX512, scaleMul: scaleMulAVX512,
	normGrad: normGradAVX512, normGradAdd: normGradAddAVX512, softmaxGrad: softmaxGradAVX512,
	swiGLU: swiGLUAVX512, swiGLUGrad: swiGLUGradAVX512, rotate: rotateAVX512, adamW: adamWAVX512, rmsProp: rmsPropAVX512,
	bf16ToF32: wholes(16, bf16ToF32AVX512, bf16ToF32Go), f32ToBF16: wholes(16, f32ToBF16AVX512, f32ToBF16Go),
}

// amxDots reads A by rows.
var amxDots = tiling{tile: tileAMX, mr: 32, nr: 32, blockTiles: 8, unit: 16}

// amxShapes are those of 1 to 32 rows.
var amxShapes = func() (shapes [33]*[64]byte) {
	for rows := 1; rows < len(shapes); rows++ {
		shapes[rows] = amx.Shape(rows)
	}
	return shapes
}()

// tileAMX is tiling.tile for any number of rows.
func tileAMX(rows, k int, a []float32, rs, _ int, b []float32, _ int, c []float32, ldc int, load bool) {
	if whole := rows / 32; whole > 0 {
		tile2AMX(whole, k, a, rs, b, c, ldc, load, amxShapes[32])
		if rows %= 32; rows > 0 {
			a, c = a[whole*32*rs:], c[whole*32*ldc:]
		}
	}
	switch {
	case rows > 16:
		tile2AMX(1, k, a, rs, b, c, ldc, load, amxShapes[rows])
	case rows > 0:
		tile1AMX(1, k, a, rs, b, c, ldc, load, amxShapes[rows])
	}
}

// tileRows chooses among tiles of 1, 2, 3... rows.
func tileRows(tiles ...func(k int, a []float32, rs, ks int, b []float32, bs int, c []float32, ldc int, load bool)) tileFunc {
	return func(rows, k int, a []float32, rs, ks int, b []float32, bs int, c []float32, ldc int, load bool) {
		tiles[rows-1](k, a, rs, ks, b, bs, c, ldc, load)
	}
}

// tileOrPanel chooses among tiles of 1, 2, 3... rows where A and B are packed panels
// of the given widths, and a strided tile elsewhere.
func tileOrPanel(mr, nr int, strided tileFunc, packed ...func(k int, a, b, c []float32, ldc int, load bool)) tileFunc {
	return func(rows, k int, a []float32, rs, ks int, b []float32, bs int, c []float32, ldc int, load bool) {
		if rs == 1 && ks == mr && bs == nr {
			packed[rows-1](k, a, b, c, ldc, load)
			return
		}
		strided(rows, k, a, rs, ks, b, bs, c, ldc, load)
	}
}

// wholes runs a conversion on whole vectors and plain Go on the rest.
func wholes[D, S any](lanes int, vectors, rest func(dst []D, src []S)) func(dst []D, src []S) {
	return func(dst []D, src []S) {
		n := len(src) / lanes * lanes
		vectors(dst, src[:n])
		rest(dst[n:], src[n:])
	}
}
