// What the bindings lack. Each function sets *error to NULL, or to a message that
// the caller frees; results are written only where there is none.
#ifndef STEPWISE_TORCH_NATIVE_H
#define STEPWISE_TORCH_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void *tensor; // a torch::Tensor *, as in the bindings; owned by who receives it

// Settings of the thread and the process.
void sw_configure(int threads, int deterministic, char **error);
// Loads CUDA's half of libtorch, which counts its devices. memory_fraction is what the allocator may take of each.
void sw_load_cuda(double memory_fraction, int *devices, char **error);
void sw_memory(int device, int64_t *free_bytes, int64_t *total_bytes, int64_t *held_bytes, char **error);
void sw_release_cache(int device, char **error);
void sw_synchronize(int device, char **error);

// A copy of host memory on a device, in another type if asked.
void sw_from_host(tensor *out, void *data, const int64_t *shape, int dims, int from, int to, int device, char **error);
// The tensor's values in host memory as type to; bytes is the room there.
void sw_to_host(tensor x, void *data, size_t bytes, int to, char **error);

void sw_rms_norm(tensor *out, tensor x, tensor weight, double eps, char **error);

// How attention over spans is computed: one at a time, or all in one call of a kernel of CUDA.
enum { SW_ONE_BY_ONE, SW_FLASH, SW_EFFICIENT };
void sw_packed_kernel(int device, int dtype, int dim, int *kernel, char **error);
// softmax(q k^T / sqrt(dim)) v of packed [rows, heads, dim], span by span: its queries are at the end of its keys and see
// those up to their own, the last window of them where window > 0.
// One by one: the rows of n spans, and the mask of each or NULL, which takes the place of the window.
void sw_attention_one_by_one(tensor *out, tensor q, tensor k, tensor v, const int64_t *queries, const int64_t *keys, int n,
                             tensor *masks, char **error);
// All at once: int32 tensors of 0 and the spans' ends, and the rows of the longest.
void sw_attention_at_once(tensor *out, int kernel, tensor q, tensor k, tensor v, tensor query_ends, tensor key_ends,
                          int64_t most_queries, int64_t most_keys, int64_t window, char **error);

// Rotates the planes (j, j+dim/2) of x [rows, heads, dim] by cos and sin [rows, 1, dim/2].
void sw_rotate(tensor *out, tensor x, tensor cos, tensor sin, char **error);
// Cuts x along its first dimension.
void sw_split(tensor *out, tensor x, const int64_t *sizes, int n, char **error);

// Gradients. leaf makes x, without its history, require one.
void sw_leaf(tensor *out, tensor x, char **error);
void sw_backward(tensor y, tensor gradient, char **error);
void sw_gradient(tensor *out, tensor x, char **error); // NULL where there is none
void sw_clear_gradient(tensor x, char **error);
void sw_add_product(tensor x, tensor a, tensor b, char **error);     // x.grad += a^T b
void sw_add_rows(tensor x, tensor index, tensor rows, char **error); // x.grad[index[i]] += rows[i]
void sw_fold_gradient(tensor x, tensor from, char **error);          // x.grad += from.grad, which ends

// The L2 norm of the gradients of n tensors; those without one count as 0.
void sw_gradient_norm(double *out, tensor *xs, int n, char **error);
// A step of torch.optim's AdamW or RMSprop, by gradients times scale.
void sw_adamw(tensor *xs, tensor *first, tensor *second, int n, int64_t step, double lr, double beta1, double beta2,
              double eps, double decay, double scale, char **error);
void sw_rmsprop(tensor *xs, tensor *squares, int n, double lr, double alpha, double eps, double decay, double scale,
                char **error);

#ifdef __cplusplus
}
#endif

#endif
