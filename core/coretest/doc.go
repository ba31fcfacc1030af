// Package coretest is what tests of stepwise, and of plugins written elsewhere,
// stand on.
//
// [Model] is a tiny language model in float64 with hand-written gradients. It
// is exact enough to be the truth: its results do not depend on how a workload
// is cut, to the bit, and what [Backend] opens goes on from what was saved, to
// the bit. [Scorer] puts a tokenizer of bytes in front of any core.Model, which
// gives partitioners and evaluators something to talk to.
//
// [TestBackend], [TestPartitioner] and [TestEvaluator] are the conformance
// suites of the three interfaces. They take an implementation, in this process
// or behind a plugin connection, and check what core's contracts promise by
// means that do not rely on the implementation: finite differences, the chain
// rule of probability, the optimizers' published equations.
package coretest
