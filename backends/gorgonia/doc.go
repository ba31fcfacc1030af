// Package gorgonia is the default backend: transformers of the Llama family on the
// processor, without cgo.
//
// # What gorgonia does and what it does not
//
// gorgonia holds the graph, checks its shapes, differentiates it symbolically and
// runs it. The nodes are ops of our own (type op) on the arithmetic of the package
// kernels: embed, rmsNorm, linear, attention, swiGLU, add, pick and logProbs. Their
// functions are methods of network, one subject a file, each op with its gradient
// beside it.
//
// One graph serves every batch. Activations have a nominal number of rows in the
// graph and their real one when it runs; what differs from batch to batch (tokens,
// positions, which rows attend to which) the ops read from the batch. The training
// graph is forward pass, loss and backward pass in one: the op weigh hands the
// log-probabilities to the caller's GradFunc in the middle of the tape and goes on
// with the weights that it returns.
//
// # Memory
//
// A result lives in the arena from the op that makes it to the last that reads it,
// and ops that can, work in place. Backward ops that need an activation come before
// those that end it. So the scoring graph holds a few matrices at a time and the
// training graph what the backward pass will need; with the option recompute, only
// each block's input.
//
// # Sharing and bits
//
// A batch is a run of rows of a prefix forest (core/prefix). Each segment's queries
// see the keys of its ancestors, wherever they were computed: in scoring, a path of
// keys and values a layer outlives the batch. In training the prompt of a pair is in
// the batch once, and the gradients of both completions flow into its rows.
//
// The kernels make each row the same bits in any company, so a log-probability does
// not depend on what else is scored, how it is cut into batches, or the number of
// threads; nor does a training step depend on the threads.
package gorgonia
