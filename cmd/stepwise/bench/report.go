package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// Report is what was found, for Print.
type Report struct {
	Shape      string       `json:"shape"`
	Parameters int          `json:"parameters"`
	Backend    string       `json:"backend"`
	DType      string       `json:"dtype"`
	Options    core.Options `json:"options,omitempty"` // of the backend
	Pairs      int          `json:"pairs"`             // an update
	Tokens     int          `json:"tokens"`            // of prompt + one completion

	PeakFLOPS      float64 `json:"peak_flops"`      // operations a second of matrix products; 0 = unknown
	ForecastBytes  int64   `json:"forecast_bytes"`  // 0 = unknown, as below
	AvailableBytes int64   `json:"available_bytes"` // before the model was opened
	Recompute      bool    `json:"recompute"`       // activations are made anew
	PeakBytes      int64   `json:"peak_bytes"`      // of the backend's process, on the host

	Results []result     `json:"results"`
	Ratios  []ratio      `json:"ratios,omitempty"`
	PyTorch *torchReport `json:"pytorch,omitempty"`

	arch *checkpoint.Architecture
}

// result is one program at one work.
type result struct {
	Work            string        `json:"work"`
	Program         string        `json:"program"`
	Seconds         []float64     `json:"seconds"`           // a round
	TokensPerSecond float64       `json:"tokens_per_second"` // of the median round, as of a program that shares nothing
	PairsPerSecond  float64       `json:"pairs_per_second"`
	MFU             record.Number `json:"mfu"` // NaN where the peak is unknown
}

// ratio is PyTorch's time divided by ours, over the rounds.
type ratio struct {
	Work   string  `json:"work"`
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
}

func newReport(s Settings, ours *trainee, arch *checkpoint.Architecture) *Report {
	return &Report{
		Shape: s.Shape, Parameters: arch.Size(), Backend: s.Backend.Name, DType: s.Backend.DType, Options: s.Backend.Options, Pairs: s.Pairs, Tokens: s.Tokens,
		PeakFLOPS: ours.forecast.PeakFLOPS, ForecastBytes: ours.forecast.PeakBytes, AvailableBytes: ours.forecast.AvailableBytes,
		Recompute: ours.forecast.Recompute, PeakBytes: ours.peak, arch: arch,
	}
}

// add appends a side's results.
func (r *Report) add(s *side) {
	for _, work := range works {
		seconds := median(s.seconds[work])
		mfu := math.NaN()
		if r.PeakFLOPS > 0 {
			mfu = s.rows.operations(r.arch, work) / seconds / r.PeakFLOPS
		}
		r.Results = append(r.Results, result{
			Work: work, Program: s.name, Seconds: s.seconds[work], TokensPerSecond: float64(2*r.Pairs*r.Tokens) / seconds,
			PairsPerSecond: float64(r.Pairs) / seconds, MFU: record.Number(mfu),
		})
	}
}

// compare appends the ratios of theirs to ours.
func (r *Report) compare(ours, theirs *side) {
	for _, work := range works {
		var ratios []float64
		for round, seconds := range ours.seconds[work] {
			ratios = append(ratios, theirs.seconds[work][round]/seconds)
		}
		r.Ratios = append(r.Ratios, ratio{work, median(ratios), slices.Min(ratios), slices.Max(ratios)})
	}
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// Print writes the report as text or as JSON.
func (r *Report) Print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	fmt.Fprintf(w, "%s: %.1fM parameters, %s, backend %s", r.Shape, float64(r.Parameters)/1e6, r.DType, r.Backend)
	for _, name := range slices.Sorted(maps.Keys(r.Options)) {
		fmt.Fprintf(w, " %s=%v", name, r.Options[name])
	}
	fmt.Fprintf(w, "; %d pairs of 2 x %d tokens\n", r.Pairs, r.Tokens)
	if r.PeakFLOPS > 0 {
		fmt.Fprintf(w, "matrix products alone: %.0f GFLOP/s, which MFU is a share of\n", r.PeakFLOPS/1e9)
	}
	if err := r.printResults(w); err != nil {
		return err
	}
	fmt.Fprintln(w, "tokens as of a program that shares nothing; MFU of rows really computed, stepwise's prompts once a pair")
	r.printMemory(w)
	if r.PyTorch != nil {
		r.printPyTorch(w)
	}
	return nil
}

func (r *Report) printResults(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "work\tprogram\tseconds\ttokens/s\tpairs/s\tMFU\t")
	for _, work := range works {
		for _, b := range r.Results {
			if b.Work != work {
				continue
			}
			mfu := "-"
			if b.MFU == b.MFU {
				mfu = fmt.Sprintf("%.1f %%", 100*b.MFU)
			}
			fmt.Fprintf(w, "%s\t%s\t%.4g\t%.0f\t%.2f\t%s\t\n", b.Work, b.Program, median(b.Seconds), b.TokensPerSecond, b.PairsPerSecond, mfu)
		}
	}
	return w.Flush()
}

const gib = 1 << 30

func (r *Report) printMemory(w io.Writer) {
	if r.ForecastBytes > 0 {
		fmt.Fprintf(w, "memory of an update, forecast: %.2f GiB", float64(r.ForecastBytes)/gib)
		if r.AvailableBytes > 0 {
			fmt.Fprintf(w, " of %.2f GiB available", float64(r.AvailableBytes)/gib)
		}
		if r.Recompute {
			fmt.Fprint(w, ", activations made anew")
		}
		fmt.Fprintln(w)
	}
	if r.PeakBytes > 0 {
		fmt.Fprintf(w, "peak memory of the backend's process: %.2f GiB of the host's, a GPU's not counted\n", float64(r.PeakBytes)/gib)
	}
}

func (r *Report) printPyTorch(w io.Writer) {
	t := r.PyTorch
	anew := "no gradient checkpointing"
	if t.Checkpointing {
		anew = "gradient checkpointing, out of memory without"
	}
	weights := "float32"
	if r.DType == "bf16" {
		weights = "bfloat16"
	}
	fmt.Fprintf(w, "PyTorch %s, transformers %s on %s, %d threads: eager, %s attention, %s weights and moments, fused AdamW, %s\n",
		t.Torch, t.Transformers, t.Device, t.Threads, t.Attention, weights, anew)
	if t.ReservedBytes > 0 {
		fmt.Fprintf(w, "peak memory of PyTorch on the GPU: %.2f GiB of tensors, %.2f GiB reserved; others, as stepwise, held %.2f GiB of the GPU before\n",
			float64(t.PeakBytes)/gib, float64(t.ReservedBytes)/gib, float64(t.UsedBefore)/gib)
	} else {
		fmt.Fprintf(w, "peak memory of PyTorch's process: %.2f GiB\n", float64(t.PeakBytes)/gib)
	}
	fmt.Fprintf(w, "the completions' log-probabilities differ by at most %.2g nats\n", t.Differs)
	for _, b := range r.Ratios {
		fmt.Fprintf(w, "%s: PyTorch's time / stepwise's %.2f (%.2f to %.2f)\n", b.Work, b.Median, b.Least, b.Most)
	}
	if t.Apart {
		fmt.Fprintln(w, "above 1 = stepwise is faster; PyTorch ran after stepwise had ended, for the memory does not hold both")
		return
	}
	fmt.Fprintln(w, "above 1 = stepwise is faster")
}
