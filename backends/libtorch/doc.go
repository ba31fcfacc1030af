// Package libtorch runs models on libtorch, PyTorch's library in C++, through
// gotch's bindings: on the processor and on NVIDIA GPUs, by one binary.
//
// It is cgo and needs libtorch 2.11, so every file but this one is behind the
// build tag libtorch, and the backend is a plugin of its own
// (cmd/stepwise-backend-libtorch). install.sh finds or installs libtorch, builds
// the plugin and checks it; README.md has the details and the measurements.
//
// The model is built from checkpoint.Architecture, the same description that
// the gorgonia backend uses. The tokens of a micro-batch lie in one matrix, row by
// row, without padding; what sequences share (package prefix) is computed once,
// and attention runs piece by piece over the keys of a piece's ancestors.
package libtorch
