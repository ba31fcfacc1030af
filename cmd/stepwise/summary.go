package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/stepwise-dpo/stepwise/core/record"
)

// printSummary prints one row a model: held-out loss and reward accuracy
// against S, gamma, and the evaluations' numbers.
func printSummary(out io.Writer, s record.Summary) error {
	heldout, metrics := columns(s)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "model\t")
	for _, h := range heldout {
		fmt.Fprintf(w, "%s: loss\taccuracy\tmean gamma\tgamma > 0\t", h)
	}
	for _, m := range metrics {
		fmt.Fprintf(w, "%s %s\t", m[0], m[1])
	}
	fmt.Fprintln(w)
	for _, m := range s.Models {
		fmt.Fprintf(w, "%s\t", m.Name)
		for _, name := range heldout {
			h, g := m.Heldout[name], m.Gamma[name]
			fmt.Fprintf(w, "%.4f\t%.4f\t%.2f\t%.4f\t", h.Loss, h.Accuracy, g.Mean, g.RewardAccuracy)
		}
		for _, name := range metrics {
			v, ok := m.Eval[name[0]][name[1]]
			if !ok {
				fmt.Fprint(w, "-\t")
				continue
			}
			fmt.Fprintf(w, "%s\t", fixed(&v, 4))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// columns lists the held-out sources and the tasks' metrics that any model has.
func columns(s record.Summary) (heldout []string, metrics [][2]string) {
	sources, pairs := map[string]bool{}, map[[2]string]bool{}
	for _, m := range s.Models {
		for name := range m.Heldout {
			sources[name] = true
		}
		for task, values := range m.Eval {
			for metric := range values {
				pairs[[2]string{task, metric}] = true
			}
		}
	}
	metrics = slices.SortedFunc(maps.Keys(pairs), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	return slices.Sorted(maps.Keys(sources)), metrics
}
