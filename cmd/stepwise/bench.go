package main

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/cmd/stepwise/bench"
)

// benchFlags are the flags of `stepwise bench`.
type benchFlags struct {
	bench.Settings
	json    bool
	backend backendFlags
}

func (a *app) benchCommand() *cobra.Command {
	var f benchFlags
	names := strings.Join(bench.Shapes(), ", ")
	c := &cobra.Command{
		Use:   "bench",
		Short: "The DPO step and the scoring pass on random weights: tokens a second, share of the peak, memory",
		Long: `Times a scoring pass and a DPO update (forward, backward, clipping, AdamW) on pairs
of random tokens: each pair's prompt is half of --tokens and its two completions
the other half each, every completion token scored. It needs no network.

Tokens are counted as a program would process them that shares nothing: prompt and
completion of each completion. MFU is the share of the matrix products' rate, which
the backend measures on the device, that the weights' products take up: 2 operations
a weight and row for scoring, 6 for an update. It counts only rows that are really
computed: a pair's prompt once, the head's weights on rows that predict a completion
token, and no second computation of activations.

With --pytorch, transformers' model does the same work on the same weights, tokens,
device and dtype, in turns with stepwise: eager, with its own attention (flash
attention where it is installed and the dtype is bf16, else sdpa), TRL's sigmoid loss
with precomputed reference log-probabilities, clipping at 1 and fused AdamW. Under
bf16 its weights and moments are bfloat16, its fastest setting on a GPU; stepwise
keeps both in float32 unless an option of the backend says otherwise, as libtorch's
master_weights=false does. Activations are made anew in PyTorch's backward pass only
where it runs out of memory otherwise. Where the device does not hold both programs
at once, PyTorch runs after stepwise has ended.

The weights are written into a temporary folder (in $TMPDIR) and removed at the end.
Times are medians over --rounds. Compare only what ran on one machine in one call.`,
		Example: `  stepwise bench --shape smollm2-135m
  stepwise bench --shape llama-1b --dtype bf16 --pairs 8 --tokens 1024 --backend libtorch --plugins plugins/bin
  stepwise bench --shape llama-7b --dtype bf16 --backend libtorch --pytorch venv/bin/python --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !slices.Contains(bench.Shapes(), f.Shape) {
				return usagef("unknown shape %q; there are: %s", f.Shape, names)
			}
			if f.Pairs < 1 || f.Tokens < 4 || f.Rounds < 1 {
				return usagef("--pairs and --rounds must be at least 1, --tokens at least 4")
			}
			if f.PyTorch != "" {
				if _, err := exec.LookPath(f.PyTorch); err != nil {
					return usagef("--pytorch: %w; name a Python interpreter that has torch and transformers", err)
				}
			}
			ctx, done := a.reporting(c.Context())
			defer done()
			return a.bench(ctx, f)
		},
	}
	c.Flags().StringVar(&f.Shape, "shape", "15m", "of the model: "+names)
	c.Flags().IntVar(&f.Pairs, "pairs", 2, "pairs an update, in one micro-batch")
	c.Flags().IntVar(&f.Tokens, "tokens", 256, "tokens of prompt + one completion")
	c.Flags().IntVar(&f.Rounds, "rounds", 3, "timed passes and updates, after some that warm up")
	c.Flags().StringVar(&f.PyTorch, "pytorch", "", "a Python interpreter with torch and transformers, to be timed beside")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	f.backend.register(c)
	return c
}

// bench measures and prints; an error of PyTorch's comes after our numbers.
func (a *app) bench(ctx context.Context, f benchFlags) error {
	c, err := f.backend.config()
	if err != nil {
		return err
	}
	f.Backend = c.Backend
	backend, err := a.openBackend(ctx, a.manager(c), c.Backend.Name, f.OpenOptions())
	if err != nil {
		return err
	}
	r, err := bench.Run(ctx, f.Settings, backend)
	if r != nil {
		err = errors.Join(r.Print(a.out, f.json), err)
	}
	return err
}
