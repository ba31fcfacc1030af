// Package kernels is the arithmetic of the gorgonia backend: matrix products,
// softmax, norms, rotary positions, attention and optimizer steps over plain
// row-major slices. It knows no graph and no model.
//
// # Conventions
//
// A matrix is a slice and a leading dimension: element (i, j) of x is x[i*ldx+j].
// Rows may be views into wider rows (the q part of q|k|v). Outputs must not overlap
// inputs unless a function says it works in place. Shapes that do not fit their
// slices are programming errors and panic.
//
// A [Pool] holds the worker goroutines. Every heavy function takes one and may be
// called inside [Pool.For]; functions may be called concurrently on one pool as
// long as their outputs differ.
//
// # Matrix products
//
//	GemmNN(p, m, n, k, a, lda, b, ldb, accumulate, c, ldc)   C = A·B    A[m,k] B[k,n]
//	GemmNT(p, m, n, k, a, lda, b, ldb, accumulate, c, ldc)   C = A·Bᵀ   A[m,k] B[n,k]
//	GemmTN(p, m, n, k, a, lda, b, ldb, accumulate, c, ldc)   C = Aᵀ·B   A[k,m] B[k,n]
//
// With accumulate, C += instead of C =. [FillRows] sets every row of C to a bias
// before an accumulating product. A linear layer y = x·Wᵀ + bias with W [out,in] as
// Hugging Face stores it, and its gradients, are
//
//	FillRows(p, tokens, out, bias, y, ldy)
//	GemmNT(p, tokens, out, in, x, ldx, w, in, true, y, ldy)
//	GemmNN(p, tokens, in, out, dy, ldy, w, in, false, dx, ldx)
//	GemmTN(p, out, in, tokens, dy, ldy, x, ldx, true, dw, in)
//
// Weights need no packing by the caller: panels are packed on the way at the speed
// of memory, for one row (scoring) as for a thousand (training).
//
// The operands are generic: []float32, or []uint16 holding bfloat16. One bfloat16
// operand is widened and the arithmetic is float32. If both are bfloat16, products
// of pairs are accumulated in float32 by the processor's matrix registers (AMX) or its
// bfloat16 dot product (AVX512_BF16), which take subnormal numbers for 0; where it has
// neither they are widened. C is always float32.
//
// # Bits
//
// Every element of C is one sequence of fused multiply-adds over k in increasing
// order, starting from 0 or from C, whatever m, n, the row's place, the layout and
// the number of threads; with AMX, one of sums of 32 products. Reductions along a row (softmax, norms) have an order that
// depends on the row's length alone; reductions over rows (gradients of norm
// weights, embeddings, keys and values, the global norm) have an order that does
// not depend on the number of threads. So a token's log-probability does not depend
// on the batch it was computed in, and a training step is the same for every number
// of threads. Results differ between instruction sets by rounding.
//
// # Instruction sets
//
// AMX (for bfloat16), AVX-512, and AVX2 with FMA are chosen by the processor's flags,
// plain Go is used elsewhere; GODEBUG=cpu.amxbf16=off or cpu.avx512f=off steps down for a
// comparison. Their assembly is
// written by the generator in asm, a module of its own: "go generate" here writes it
// again, "go -C asm test" finds a difference. bench/compare.py measures kernels
// beside PyTorch, and matrix products beside the peak that package peak measures.
//
// # The rest
//
//	LogProbRows, LogProbRowsBackward, LogProbHead            logprob.go
//	RMSNorm, RMSNormBackward                                 rmsnorm.go
//	SwiGLU, SwiGLUBackward                                   swiglu.go
//	Rotary.Apply, Rotary.Undo                                rotary.go
//	Attention.Forward, Attention.Backward                    attention.go
//	Gather, ScatterAdd                                       embedding.go
//	AdamW.Step, RMSprop.Step                                 optimizer.go
//	SumSquares, Add, FillRows, AddRowsTo                     vector.go
//	BF16ToF32, F32ToBF16                                     convert.go
package kernels
