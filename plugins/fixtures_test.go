//go:build unix

package plugins

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
)

// partitionFunc and evaluateFunc make plugins of functions.
type partitionFunc func(context.Context, []core.Source, core.Scorer) ([]core.Step, error)

func (f partitionFunc) Partition(ctx context.Context, s []core.Source, base core.Scorer) ([]core.Step, error) {
	return f(ctx, s, base)
}

type evaluateFunc func(context.Context, core.Scorer, string) ([]core.Metric, error)

func (f evaluateFunc) Evaluate(ctx context.Context, s core.Scorer, dir string) ([]core.Metric, error) {
	return f(ctx, s, dir)
}

// newByGamma makes a step of each source, by mean gamma, descending or not.
func newByGamma(o core.Options) (core.Partitioner, error) {
	var options struct {
		Ascending bool `json:"ascending"`
	}
	if err := o.Decode(&options); err != nil {
		return nil, err
	}
	return partitionFunc(func(ctx context.Context, sources []core.Source, base core.Scorer) ([]core.Step, error) {
		gamma := make([]float64, len(sources))
		order := make([]int, len(sources))
		for i, s := range sources {
			scores, err := base.LogProbs(ctx, s.Items(), core.Detail{})
			if err != nil {
				return nil, fmt.Errorf("source %q: %w", s.Name, err)
			}
			for _, pair := range scores {
				gamma[i] += (pair[0].LogProb - pair[1].LogProb) / float64(len(scores))
			}
			order[i] = i
			core.ReporterFrom(ctx).Note("scored " + s.Name)
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(gamma[b], gamma[a]) })
		if options.Ascending {
			slices.Reverse(order)
		}
		var steps []core.Step
		for _, i := range order {
			steps = append(steps, core.Step{Pairs: core.WholeSource(sources, i)})
		}
		return steps, nil
	}), nil
}

// printAndPartition prints wherever it can in the midst of its work.
func printAndPartition(ctx context.Context, sources []core.Source, base core.Scorer) ([]core.Step, error) {
	fmt.Println("1|1|unix|/tmp/elsewhere|grpc")
	fmt.Fprintln(os.Stderr, "to standard error")
	if _, err := syscall.Write(1, []byte("raw to descriptor 1\n")); err != nil {
		return nil, err
	}
	if _, err := base.LogProbs(ctx, sources[0].Items(), core.Detail{}); err != nil {
		return nil, err
	}
	fmt.Print(strings.Repeat("a long line ", 1<<15), "\n")
	return []core.Step{{Pairs: core.WholeSource(sources, 0)}}, nil
}

// startChild starts a process, tells the ids of itself and of it, and waits.
func startChild(ctx context.Context, _ []core.Source, _ core.Scorer) ([]core.Step, error) {
	pid, err := startSleep()
	if err != nil {
		return nil, err
	}
	core.ReporterFrom(ctx).Note(fmt.Sprintf("pids %d %d", os.Getpid(), pid))
	<-ctx.Done()
	return nil, ctx.Err()
}

// hang does not listen to anybody.
func hang(ctx context.Context, _ []core.Source, _ core.Scorer) ([]core.Step, error) {
	core.ReporterFrom(ctx).Note("hanging")
	time.Sleep(time.Hour)
	return nil, nil
}

// partitionBig wants one source of one pair with an 8 MiB prompt, and asks the
// host for the scores of as much.
func partitionBig(ctx context.Context, sources []core.Source, base core.Scorer) ([]core.Step, error) {
	pair := sources[0].Pairs[0]
	encoded, err := base.Encode(ctx, []core.Text{{Prompt: pair.Prompt, Completions: []string{"a", "b"}}}, core.EncodeRules{})
	if err != nil {
		return nil, err
	}
	if encoded[0].Prompt != pair.Prompt || len(encoded[0].Items[0].Prompt) != len(pair.Prompt) {
		return nil, fmt.Errorf("a prompt of %d bytes came back with %d bytes and %d tokens",
			len(pair.Prompt), len(encoded[0].Prompt), len(encoded[0].Items[0].Prompt))
	}
	scores, err := base.LogProbs(ctx, encoded[0].Items, core.Detail{PerToken: true})
	if err != nil {
		return nil, err
	}
	if n := len(scores[0][0].TokenLogProbs); n != bigScores {
		return nil, fmt.Errorf("%d log-probabilities came back", n)
	}
	return []core.Step{{Pairs: slices.Repeat([]core.PairRef{{Source: 0, Pair: 1 << 40}}, bigRefs)}}, nil
}

const (
	big       = 8 << 20 // bytes of text and tokens that must pass
	bigScores = big / 8 // float64s of the same size
	bigRefs   = big / 8 // references to pairs, of 8 bytes each
)

// bigScorer answers with more than a message may hold by gRPC's default.
type bigScorer struct{ core.Scorer }

func (bigScorer) Encode(_ context.Context, texts []core.Text, _ core.EncodeRules) ([]core.Encoded, error) {
	items := []core.Item{{Prompt: make([]int32, len(texts[0].Prompt)), Completions: [][]int32{{1}}}}
	return []core.Encoded{{Prompt: texts[0].Prompt, Items: items}}, nil
}

func (bigScorer) LogProbs(_ context.Context, items []core.Item, _ core.Detail) ([][]core.Score, error) {
	if len(items) != 1 || len(items[0].Prompt) != big {
		return nil, fmt.Errorf("items of another size came in")
	}
	return [][]core.Score{{{TokenLogProbs: make([]float64, bigScores)}}}, nil
}

// meanGamma measures the first of coretest's sources, and writes a file.
func meanGamma(ctx context.Context, s core.Scorer, dir string) ([]core.Metric, error) {
	scores, err := s.LogProbs(ctx, coretest.Sources()[0].Items(), core.Detail{})
	if err != nil {
		return nil, err
	}
	sum := 0.0
	for i, pair := range scores {
		sum += pair[0].LogProb - pair[1].LogProb
		core.ReporterFrom(ctx).Progress("pairs", i+1, len(scores))
	}
	if dir != "" {
		if err := os.WriteFile(dir+"/samples.jsonl", []byte("{}\n"), 0o644); err != nil {
			return nil, err
		}
	}
	return []core.Metric{{
		Task: "colours", Name: "gamma", Value: sum / float64(len(scores)), StdErr: math.NaN(), N: len(scores), HigherIsBetter: true,
	}}, nil
}

// echo asks everything that can be asked, and checks it.
func echo(ctx context.Context, s core.Scorer, _ string) ([]core.Metric, error) {
	info, err := s.Info(ctx)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(info, echoInfo) {
		return nil, fmt.Errorf("info is %+v", info)
	}
	encoded, err := s.Encode(ctx, echoTexts, echoRules)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(encoded, echoEncoded) {
		return nil, fmt.Errorf("encoded is %+v", encoded)
	}
	scores, err := s.LogProbs(ctx, encoded[0].Items, core.Detail{PerToken: true, Greedy: true})
	if err != nil {
		return nil, err
	}
	var metrics []core.Metric
	for i, v := range scores[0][0].TokenLogProbs {
		metrics = append(metrics, core.Metric{Task: "echo", Name: fmt.Sprint(i), Value: v, StdErr: -v, N: i})
	}
	return metrics, nil
}

var (
	echoInfo = core.ModelInfo{
		Name: "M1", Path: "/models/m1", Backend: "tiny", DType: "bf16", Parameters: 1 << 40, VocabSize: 49152, MaxLength: 8192,
		BOS: core.SpecialToken{Text: "<s>", ID: 1}, EOS: core.SpecialToken{Text: "</s>", ID: 2}, PAD: core.SpecialToken{Text: "<pad>", ID: 3},
		ChatTemplate: "{{ messages }}", WeightsHash: "abc",
	}
	echoTexts = []core.Text{
		{Prompt: "prompt", Completions: []string{" a", " b"}},
		{Messages: []core.Message{{Role: "user", Content: "héllo \u2028"}}, Completions: []string{"c"}},
	}
	echoRules   = core.EncodeRules{BOS: core.BOSNever, MaxLength: 77, NoTruncation: true}
	echoEncoded = []core.Encoded{
		{Prompt: "prompt", Items: []core.Item{{Prompt: []int32{1, 2}, Completions: [][]int32{{3}, {4, math.MaxInt32}}}}},
		{Prompt: "rendered", Items: []core.Item{{Prompt: []int32{5}, Completions: [][]int32{{6}}}}, Truncated: 1},
	}
	// echoValues are those that a careless wire would change.
	echoValues = []float64{
		math.Copysign(0, -1), 0, math.Inf(1), math.Inf(-1), math.NaN(), math.Float64frombits(0x7ff4dead0000beef),
		math.SmallestNonzeroFloat64, math.MaxFloat64, -0.1, math.Nextafter(1, 2),
	}
)

// echoScorer is the host's side of echo.
type echoScorer struct{}

func (echoScorer) Info(context.Context) (core.ModelInfo, error) { return echoInfo, nil }

func (echoScorer) Encode(_ context.Context, texts []core.Text, r core.EncodeRules) ([]core.Encoded, error) {
	if !reflect.DeepEqual(texts, echoTexts) || r != echoRules {
		return nil, fmt.Errorf("texts are %+v, rules %+v", texts, r)
	}
	return echoEncoded, nil
}

func (echoScorer) LogProbs(_ context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	if !reflect.DeepEqual(items, echoEncoded[0].Items) || !d.Greedy || !d.PerToken {
		return nil, fmt.Errorf("items are %+v, detail %+v", items, d)
	}
	return [][]core.Score{{{LogProb: -1, Tokens: 1, Greedy: true, TokenLogProbs: echoValues}, {}}}, nil
}

// exit ends the process without a word of why.
func exit(context.Context, core.Scorer, string) ([]core.Metric, error) {
	os.Exit(3)
	return nil, nil
}

// panicBackend opens models that panic.
type panicBackend struct{ coretest.Backend }

func (panicBackend) Open(context.Context, string, core.OpenOptions) (core.Model, error) {
	return panicModel{}, nil
}

type panicModel struct{ core.Model }

func (panicModel) LogProbs(context.Context, []core.Item, core.Detail) ([][]core.Score, error) {
	for range 200 { // stacks that push the first lines out of a short memory
		go func() { select {} }()
	}
	panic("cannot open libtorch_cuda.so")
}

// slowBackend opens models whose LogProbs goes on for a while after its context
// has ended, and notices an overlap.
type slowBackend struct{ coretest.Backend }

func (slowBackend) Open(context.Context, string, core.OpenOptions) (core.Model, error) {
	return &slowModel{running: make(chan struct{}, 1)}, nil
}

type slowModel struct {
	core.Model
	running chan struct{}
}

func (m *slowModel) LogProbs(ctx context.Context, _ []core.Item, _ core.Detail) ([][]core.Score, error) {
	m.running <- struct{}{}
	defer func() { <-m.running }()
	core.ReporterFrom(ctx).Note("running")
	<-ctx.Done()
	time.Sleep(100 * time.Millisecond)
	return nil, ctx.Err()
}

func (m *slowModel) Update(context.Context, core.Update) (core.UpdateStats, error) {
	if len(m.running) != 0 {
		panic("calls overlap")
	}
	return core.UpdateStats{GradNorm: 5}, nil
}

func (m *slowModel) Close() error { return nil }
