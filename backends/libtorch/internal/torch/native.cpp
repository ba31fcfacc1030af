//go:build libtorch

#include "native.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <ATen/core/CachingHostAllocator.h>
#include <c10/util/Logging.h>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <torch/torch.h>

namespace {

at::Tensor &at_(tensor t) { return *static_cast<at::Tensor *>(t); }

at::Tensor *own(at::Tensor t) { return new at::Tensor(std::move(t)); }

at::Device device_of(int index) {
  return index < 0 ? at::Device(at::kCPU) : at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

// Nobody reads the stacks that errors would carry, and taking one costs milliseconds.
const bool no_stacks = [] {
  c10::SetStackTraceFetcher([]() -> std::string { return ""; });
  return true;
}();

// guard runs f and turns what it throws into a message.
template <typename F> void guard(char **error, F f) {
  *error = nullptr;
  try {
    f();
  } catch (const c10::Error &e) {
    *error = strdup(e.what_without_backtrace());
  } catch (const std::exception &e) {
    *error = strdup(e.what());
  }
}

std::vector<at::Tensor> list(tensor *xs, int n) {
  std::vector<at::Tensor> out;
  out.reserve(n);
  for (int i = 0; i < n; i++)
    out.push_back(at_(xs[i]));
  return out;
}

// Rotates by angle a and, in the backward pass, by -a.
at::Tensor rotated(const at::Tensor &x, const at::Tensor &cos, const at::Tensor &sin, bool back) {
  const auto half = x.size(-1) / 2;
  auto out = at::empty(x.sizes(), x.options());
  auto x1 = x.narrow(-1, 0, half), x2 = x.narrow(-1, half, half);
  auto y1 = out.narrow(-1, 0, half), y2 = out.narrow(-1, half, half);
  const double sign = back ? -1 : 1;
  at::mul_out(y1, x1, cos).addcmul_(x2, sin, -sign);
  at::mul_out(y2, x2, cos).addcmul_(x1, sin, sign);
  return out;
}

struct Rotate : torch::autograd::Function<Rotate> {
  static at::Tensor forward(torch::autograd::AutogradContext *c, const at::Tensor &x, const at::Tensor &cos,
                            const at::Tensor &sin) {
    c->save_for_backward({cos, sin});
    return rotated(x, cos, sin, false);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *c,
                                                 torch::autograd::variable_list grads) {
    auto saved = c->get_saved_variables();
    return {rotated(grads[0], saved[0], saved[1], true), at::Tensor(), at::Tensor()};
  }
};

// RMSNorm of float32 on the processor in one pass a row, where libtorch makes six
// operations of it and keeps two results of them for the backward pass.
struct RMSNorm : torch::autograd::Function<RMSNorm> {
  static at::Tensor forward(torch::autograd::AutogradContext *c, const at::Tensor &input, const at::Tensor &weight,
                            double eps) {
    auto x = input.contiguous();
    const int64_t size = weight.numel(), rows = x.numel() / size;
    auto y = at::empty_like(x), scale = at::empty({rows}, x.options());
    const float *xs = x.const_data_ptr<float>(), *w = weight.const_data_ptr<float>();
    float *ys = y.mutable_data_ptr<float>(), *scales = scale.mutable_data_ptr<float>();
    at::parallel_for(0, rows, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const float *row = xs + i * size;
        double sum = 0;
        for (int64_t k = 0; k < size; k++)
          sum += static_cast<double>(row[k]) * row[k];
        const float s = scales[i] = static_cast<float>(1 / std::sqrt(sum / size + eps));
        for (int64_t k = 0; k < size; k++)
          ys[i * size + k] = row[k] * s * w[k];
      }
    });
    c->save_for_backward({x, weight, scale});
    return y;
  }

  // With u = x scale: dw = sum dy u, and dx = scale (dy w - u mean(dy w u)).
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *c,
                                                 torch::autograd::variable_list grads) {
    auto saved = c->get_saved_variables();
    auto dy = grads[0].contiguous();
    const int64_t size = saved[1].numel(), rows = saved[2].numel();
    auto dx = at::empty_like(dy);
    auto parts = at::zeros({at::get_num_threads(), size}, dy.options()); // of dw, by thread
    const float *dys = dy.const_data_ptr<float>(), *xs = saved[0].const_data_ptr<float>();
    const float *w = saved[1].const_data_ptr<float>(), *scales = saved[2].const_data_ptr<float>();
    float *dxs = dx.mutable_data_ptr<float>(), *dws = parts.mutable_data_ptr<float>();
    at::parallel_for(0, rows, 16, [&](int64_t begin, int64_t end) {
      float *dw = dws + at::get_thread_num() * size;
      for (int64_t i = begin; i < end; i++) {
        const float *d = dys + i * size, *x = xs + i * size, s = scales[i];
        double sum = 0;
        for (int64_t k = 0; k < size; k++) {
          const float du = d[k] * x[k] * s;
          dw[k] += du;
          sum += static_cast<double>(du) * w[k];
        }
        const float mean = static_cast<float>(sum / size);
        for (int64_t k = 0; k < size; k++)
          dxs[i * size + k] = s * (d[k] * w[k] - x[k] * s * mean);
      }
    });
    return {dx, parts.sum(0), at::Tensor()};
  }
};

// Attention of queries [rows, heads, dim] at the end of their keys, of which each
// sees those up to its own where there is no mask.
at::Tensor attend(at::Tensor query, at::Tensor key, at::Tensor value, const std::optional<at::Tensor> &mask) {
  const auto group = query.size(1) / key.size(1);
  const bool causal = !mask && query.size(0) == key.size(0);
  // Fused kernels that take fewer heads of keys: the processor's, and on CUDA flash attention alone.
  const bool fused = query.is_cpu() || (!mask && query.scalar_type() != at::kFloat);
  if (group > 1 && !fused) {
    key = key.repeat_interleave(group, 1);
    value = value.repeat_interleave(group, 1);
  }
  auto batched = [](const at::Tensor &x) { return x.unsqueeze(0).transpose(1, 2); };
  return at::scaled_dot_product_attention(batched(query), batched(key), batched(value), mask, 0.0, causal, std::nullopt,
                                          group > 1 && fused)
      .transpose(1, 2)
      .squeeze(0);
}

// Gradients of all, zeros where there is none.
std::vector<at::Tensor> gradients(const std::vector<at::Tensor> &xs) {
  std::vector<at::Tensor> out;
  out.reserve(xs.size());
  for (const auto &x : xs)
    out.push_back(x.grad().defined() ? x.grad() : at::zeros_like(x));
  return out;
}

} // namespace

void sw_configure(int threads, int deterministic, char **error) {
  guard(error, [&] {
    if (at::get_num_threads() != threads)
      at::set_num_threads(threads);
    auto &context = at::globalContext();
    context.setDeterministicAlgorithms(deterministic, false);
    context.setDeterministicFillUninitializedMemory(false); // a help for finding errors
    context.setAllowTF32CuBLAS(false);
    context.setAllowTF32CuDNN(false);
    context.setSDPUseCuDNN(false);
    context.setSDPUseMemEfficient(!deterministic); // it has no deterministic gradient
  });
}

void sw_load_cuda(double memory_fraction, int *devices, char **error) {
  guard(error, [&] {
    // All of this is read once, when the library is loaded or first asked.
    if (memory_fraction < 1)
      setenv("PYTORCH_CUDA_ALLOC_CONF", ("per_process_memory_fraction:" + std::to_string(memory_fraction)).c_str(), 1);
    setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0); // what deterministic products need, of any model to come
    if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL) == nullptr)
      throw std::runtime_error("no NVIDIA driver (libcuda.so.1) on this machine");
    if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr)
      throw std::runtime_error(std::string("the CUDA half of libtorch cannot be loaded: ") + dlerror());
    *devices = at::hasCUDA() ? static_cast<int>(at::detail::getCUDAHooks().deviceCount()) : 0;
    if (*devices == 0)
      throw std::runtime_error("no CUDA device that this driver and libtorch can use");
    at::globalContext().lazyInitDevice(at::kCUDA);
  });
}

void sw_memory(int device, int64_t *free_bytes, int64_t *total_bytes, int64_t *held_bytes, char **error) {
  guard(error, [&] {
    auto *allocator = at::getDeviceAllocator(at::kCUDA);
    auto [available, total] = allocator->getMemoryInfo(static_cast<c10::DeviceIndex>(device));
    const auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    *held_bytes = allocator->getDeviceStats(static_cast<c10::DeviceIndex>(device)).reserved_bytes[all].current;
    *free_bytes = static_cast<int64_t>(available);
    *total_bytes = static_cast<int64_t>(total);
  });
}

void sw_release_cache(int device, char **error) {
  guard(error, [&] {
    if (device < 0)
      return;
    at::getDeviceAllocator(at::kCUDA)->emptyCache();
    at::getHostAllocator(at::kCUDA)->empty_cache();
  });
}

void sw_synchronize(int device, char **error) {
  guard(error, [&] {
    if (device >= 0)
      at::accelerator::synchronizeDevice(static_cast<c10::DeviceIndex>(device));
  });
}

void sw_from_host(tensor *out, void *data, const int64_t *shape, int dims, int from, int to, int device, char **error) {
  guard(error, [&] {
    at::NoGradGuard no_grad;
    auto host = at::from_blob(data, at::IntArrayRef(shape, dims), at::TensorOptions().dtype(at::ScalarType(from)));
    if (device < 0)
      *out = own(host.to(at::ScalarType(to), /*non_blocking=*/false, /*copy=*/true));
    else // in the stored type through pinned memory, which the allocator keeps until the copy is done
      *out = own(host.pin_memory().to(device_of(device), /*non_blocking=*/true).to(at::ScalarType(to)));
  });
}

void sw_to_host(tensor x, void *data, size_t bytes, int to, char **error) {
  guard(error, [&] {
    at::NoGradGuard no_grad;
    const auto &from = at_(x);
    auto host = at::from_blob(data, from.sizes(), at::TensorOptions().dtype(at::ScalarType(to)));
    TORCH_CHECK(host.nbytes() == bytes, "room for ", bytes, " bytes of a tensor of ", host.nbytes());
    host.copy_(from);
  });
}

void sw_rms_norm(tensor *out, tensor x, tensor weight, double eps, char **error) {
  guard(error, [&] {
    const auto &input = at_(x), &w = at_(weight);
    if (input.is_cpu() && input.scalar_type() == at::kFloat)
      *out = own(RMSNorm::apply(input, w, eps));
    else
      *out = own(at::rms_norm(input, w.sizes(), w, eps));
  });
}

void sw_packed_kernel(int device, int dtype, int dim, int *kernel, char **error) {
  guard(error, [&] {
    *kernel = SW_ONE_BY_ONE;
    if (device < 0 || dim % 8 != 0)
      return;
    auto x = at::empty({1, 1, 8, dim}, at::TensorOptions(device_of(device)).dtype(at::ScalarType(dtype)));
    switch (static_cast<at::SDPBackend>(at::_fused_sdp_choice(x, x, x, {}, 0.0, /*is_causal=*/true))) {
    case at::SDPBackend::flash_attention:
      *kernel = SW_FLASH;
      break;
    case at::SDPBackend::efficient_attention:
      *kernel = SW_EFFICIENT;
      break;
    default:
      break;
    }
  });
}

void sw_attention_one_by_one(tensor *out, tensor q, tensor k, tensor v, const int64_t *queries, const int64_t *keys, int n,
                             tensor *masks, char **error) {
  guard(error, [&] {
    auto qs = at_(q).split_with_sizes(at::IntArrayRef(queries, n), 0);
    auto ks = at_(k).split_with_sizes(at::IntArrayRef(keys, n), 0);
    auto vs = at_(v).split_with_sizes(at::IntArrayRef(keys, n), 0);
    std::vector<at::Tensor> parts;
    for (int i = 0; i < n; i++)
      parts.push_back(attend(qs[i], ks[i], vs[i], masks[i] ? std::optional<at::Tensor>(at_(masks[i])) : std::nullopt));
    *out = own(n == 1 ? parts[0] : at::cat(parts, 0));
  });
}

void sw_attention_at_once(tensor *out, int kernel, tensor q, tensor k, tensor v, tensor query_ends, tensor key_ends,
                          int64_t most_queries, int64_t most_keys, int64_t window, char **error) {
  guard(error, [&] {
    const auto &query = at_(q);
    auto key = at_(k), value = at_(v);
    if (kernel == SW_FLASH) {
      const auto left = window > 0 ? std::optional<int64_t>(window - 1) : std::nullopt;
      *out = own(std::get<0>(at::_flash_attention_forward(query, key, value, at_(query_ends), at_(key_ends), most_queries,
                                                          most_keys, 0.0, /*is_causal=*/true, /*return_debug_mask=*/false,
                                                          std::nullopt, left, std::nullopt)));
      return;
    }
    const int64_t causal_from_bottom_right = 2, group = query.size(1) / key.size(1);
    if (group > 1) {
      key = key.repeat_interleave(group, 1);
      value = value.repeat_interleave(group, 1);
    }
    auto result = at::_efficient_attention_forward(query.unsqueeze(0), key.unsqueeze(0), value.unsqueeze(0), {},
                                                   at_(query_ends), at_(key_ends), most_queries, most_keys, 0.0,
                                                   causal_from_bottom_right, /*compute_log_sumexp=*/at::GradMode::is_enabled());
    *out = own(std::get<0>(result).squeeze(0));
  });
}

void sw_rotate(tensor *out, tensor x, tensor cos, tensor sin, char **error) {
  guard(error, [&] { *out = own(Rotate::apply(at_(x), at_(cos), at_(sin))); });
}

void sw_split(tensor *out, tensor x, const int64_t *sizes, int n, char **error) {
  guard(error, [&] {
    auto parts = at_(x).split_with_sizes(at::IntArrayRef(sizes, n), 0);
    for (int i = 0; i < n; i++)
      out[i] = own(parts[i]);
  });
}

void sw_leaf(tensor *out, tensor x, char **error) {
  guard(error, [&] { *out = own(at_(x).detach().set_requires_grad(true)); });
}

void sw_backward(tensor y, tensor gradient, char **error) {
  guard(error, [&] { at_(y).backward(at_(gradient)); });
}

void sw_gradient(tensor *out, tensor x, char **error) {
  guard(error, [&] {
    const auto &g = at_(x).grad();
    *out = g.defined() ? own(g) : nullptr;
  });
}

void sw_clear_gradient(tensor x, char **error) {
  guard(error, [&] { at_(x).mutable_grad().reset(); });
}

void sw_add_product(tensor x, tensor a, tensor b, char **error) {
  guard(error, [&] {
    at::NoGradGuard no_grad;
    auto &g = at_(x).mutable_grad();
    auto at = at_(a).t();
    if (!g.defined())
      g = at.mm(at_(b)).to(at_(x).scalar_type());
    else if (g.scalar_type() == at.scalar_type())
      g.addmm_(at, at_(b));
    else
      g.add_(at.mm(at_(b)));
  });
}

void sw_add_rows(tensor x, tensor index, tensor rows, char **error) {
  guard(error, [&] {
    at::NoGradGuard no_grad;
    const auto &value = at_(x);
    auto &g = value.mutable_grad();
    if (value.scalar_type() != at::kFloat) { // on a GPU it adds up a token's rows in float32, and rounds once
      auto add = at::embedding_dense_backward(at_(rows), at_(index), value.size(0), -1, false);
      g = g.defined() ? g.add_(add) : add;
      return;
    }
    if (!g.defined())
      g = at::zeros_like(value);
    g.index_add_(0, at_(index), at_(rows).to(g.scalar_type()));
  });
}

void sw_fold_gradient(tensor x, tensor from, char **error) {
  guard(error, [&] {
    at::NoGradGuard no_grad;
    auto &g = at_(x).mutable_grad();
    auto &add = at_(from).mutable_grad();
    if (!add.defined())
      return;
    if (g.defined())
      g.add_(add);
    else
      g = add.to(at_(x).scalar_type());
    add.reset();
  });
}

void sw_gradient_norm(double *out, tensor *xs, int n, char **error) {
  guard(error, [&] {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> gs;
    for (int i = 0; i < n; i++)
      if (at_(xs[i]).grad().defined())
        gs.push_back(at_(xs[i]).grad());
    *out = 0;
    if (!gs.empty())
      *out = at::stack(at::_foreach_norm(gs, 2, at::kFloat)).to(at::kCPU, at::kDouble).norm().item<double>();
  });
}

void sw_adamw(tensor *xs, tensor *first, tensor *second, int n, int64_t step, double lr, double beta1, double beta2,
              double eps, double decay, double scale, char **error) {
  guard(error, [&] {
    if (n == 0)
      return;
    at::NoGradGuard no_grad;
    auto params = list(xs, n);
    auto options = params[0].options().dtype(at::kFloat).requires_grad(false);
    std::vector<at::Tensor> steps(n, at::full({}, static_cast<double>(step), options));
    // The kernel divides by grad_scale, so that clipping takes no pass of its own.
    std::optional<at::Tensor> divisor;
    if (scale != 1)
      divisor = at::full({}, 1 / scale, options);
    at::_fused_adamw_(params, gradients(params), list(first, n), list(second, n), {}, steps, lr, beta1, beta2, decay, eps,
                      /*amsgrad=*/false, /*maximize=*/false, divisor);
  });
}

void sw_rmsprop(tensor *xs, tensor *squares, int n, double lr, double alpha, double eps, double decay, double scale,
                char **error) {
  guard(error, [&] {
    at::NoGradGuard no_grad;
    auto params = list(xs, n);
    auto grads = gradients(params);
    for (int i = 0; i < n; i++) {
      auto g = at::mul(grads[i], scale);
      if (decay != 0)
        g.add_(params[i], decay);
      auto &square = at_(squares[i]);
      square.mul_(alpha).addcmul_(g, g, 1 - alpha);
      params[i].addcdiv_(g, square.sqrt().add_(eps), -lr);
    }
  });
}
