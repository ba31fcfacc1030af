// Forced into each C++ file of the build (-include): what lets gotch's bindings,
// which were generated for torch 2.1, compile against torch 2.11 and fail rather
// than misread their arguments. A name declared in namespace torch hides at's.
#ifndef STEPWISE_LIBTORCH_COMPAT_H
#define STEPWISE_LIBTORCH_COMPAT_H

#include <stdexcept>
#include <torch/torch.h>

#if TORCH_VERSION_MAJOR != 2 || TORCH_VERSION_MINOR != 11
#error "stepwise's libtorch backend is built against torch 2.11: run backends/libtorch/install.sh"
#endif

namespace torch {

template <typename... Args>
inline at::Tensor _cslt_sparse_mm(const Args &...) {
  throw std::runtime_error("_cslt_sparse_mm: its arguments changed after torch 2.1");
}

template <typename... Args>
inline std::tuple<at::Tensor, at::Tensor> _scaled_mm(const Args &...) {
  throw std::runtime_error("_scaled_mm: its arguments changed after torch 2.1");
}

template <typename... Args>
inline std::tuple<at::Tensor, at::Tensor> _scaled_mm_out(const Args &...) {
  throw std::runtime_error("_scaled_mm_out: its arguments changed after torch 2.1");
}

// These two would compile: their arguments kept their types and changed their meaning.
template <typename... Args>
inline std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> _efficient_attention_backward(const Args &...) {
  throw std::runtime_error("_efficient_attention_backward: its arguments changed after torch 2.1");
}

template <typename... Args>
inline std::tuple<at::Tensor, at::Tensor, at::Tensor> _flash_attention_backward(const Args &...) {
  throw std::runtime_error("_flash_attention_backward: its arguments changed after torch 2.1");
}

// The binding passes a tensor that is not defined where it is given no mask.
inline at::Tensor scaled_dot_product_attention(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                                               const at::Tensor &mask, double dropout, bool causal,
                                               std::optional<double> scale) {
  return at::scaled_dot_product_attention(query, key, value, mask.defined() ? std::optional<at::Tensor>(mask) : std::nullopt,
                                          dropout, causal, scale);
}

} // namespace torch

#endif
