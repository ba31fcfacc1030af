package plugins

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"

	"google.golang.org/protobuf/proto"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

const (
	chunkBytes      = 1 << 20  // what has no bound is cut at about this
	maxMessageBytes = 64 << 20 // what a server accepts
)

// chunks cuts rows into messages of about chunkBytes, and says which is the
// last. There is at least one, which may be empty.
func chunks[T proto.Message](rows []T) iter.Seq2[[]T, bool] {
	return func(yield func([]T, bool) bool) {
		for {
			n, size := 0, 0
			for n < len(rows) && (n == 0 || size < chunkBytes) {
				size += proto.Size(rows[n])
				n++
			}
			last := n == len(rows)
			if !yield(rows[:n], last) || last {
				return
			}
			rows = rows[n:]
		}
	}
}

// convert applies f to each of in.
func convert[A, B any](in []A, f func(A) B) []B {
	if in == nil {
		return nil
	}
	out := make([]B, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

func toItem(i core.Item) *pb.Item {
	return &pb.Item{
		Prompt:      i.Prompt,
		Completions: convert(i.Completions, func(ids []int32) *pb.Tokens { return &pb.Tokens{Ids: ids} }),
	}
}

func fromItem(i *pb.Item) core.Item {
	return core.Item{Prompt: i.GetPrompt(), Completions: convert(i.GetCompletions(), (*pb.Tokens).GetIds)}
}

func toDetail(d core.Detail) *pb.Detail {
	return &pb.Detail{PerToken: d.PerToken, Greedy: d.Greedy}
}

func fromDetail(d *pb.Detail) core.Detail {
	return core.Detail{PerToken: d.GetPerToken(), Greedy: d.GetGreedy()}
}

func toForecast(f core.Forecast) *pb.Forecast {
	return &pb.Forecast{
		PeakBytes: f.PeakBytes, AvailableBytes: f.AvailableBytes, TokensPerSecond: f.TokensPerSecond,
		PeakFlops: f.PeakFLOPS, Recompute: f.Recompute,
	}
}

func fromForecast(f *pb.Forecast) core.Forecast {
	return core.Forecast{
		PeakBytes: f.GetPeakBytes(), AvailableBytes: f.GetAvailableBytes(), TokensPerSecond: f.GetTokensPerSecond(),
		PeakFLOPS: f.GetPeakFlops(), Recompute: f.GetRecompute(),
	}
}

func toScores(scores []core.Score) *pb.ItemScores {
	return &pb.ItemScores{Scores: convert(scores, func(s core.Score) *pb.Score {
		return &pb.Score{LogProb: s.LogProb, Tokens: int64(s.Tokens), Greedy: s.Greedy, TokenLogProbs: s.TokenLogProbs}
	})}
}

func fromScores(row *pb.ItemScores) []core.Score {
	return convert(row.GetScores(), func(s *pb.Score) core.Score {
		return core.Score{LogProb: s.GetLogProb(), Tokens: int(s.GetTokens()), Greedy: s.GetGreedy(), TokenLogProbs: s.GetTokenLogProbs()}
	})
}

func toWeights(row []float64) *pb.Weights   { return &pb.Weights{Weights: row} }
func fromWeights(row *pb.Weights) []float64 { return row.GetWeights() }

func toText(t core.Text) *pb.Text {
	return &pb.Text{
		Prompt: t.Prompt,
		Messages: convert(t.Messages, func(m core.Message) *pb.Message {
			return &pb.Message{Role: m.Role, Content: m.Content}
		}),
		Completions: t.Completions,
	}
}

func fromText(t *pb.Text) core.Text {
	return core.Text{
		Prompt: t.GetPrompt(),
		Messages: convert(t.GetMessages(), func(m *pb.Message) core.Message {
			return core.Message{Role: m.GetRole(), Content: m.GetContent()}
		}),
		Completions: t.GetCompletions(),
	}
}

func toEncoded(e core.Encoded) *pb.Encoded {
	return &pb.Encoded{Prompt: e.Prompt, Items: convert(e.Items, toItem), Truncated: int64(e.Truncated)}
}

func fromEncoded(e *pb.Encoded) core.Encoded {
	return core.Encoded{Prompt: e.GetPrompt(), Items: convert(e.GetItems(), fromItem), Truncated: int(e.GetTruncated())}
}

func toInfo(i core.ModelInfo) *pb.ModelInfo {
	special := func(t core.SpecialToken) *pb.SpecialToken { return &pb.SpecialToken{Text: t.Text, Id: t.ID} }
	return &pb.ModelInfo{
		Name: i.Name, Path: i.Path, Backend: i.Backend, Dtype: i.DType,
		Parameters: i.Parameters, VocabSize: int64(i.VocabSize), MaxLength: int64(i.MaxLength),
		Bos: special(i.BOS), Eos: special(i.EOS), Pad: special(i.PAD),
		ChatTemplate: i.ChatTemplate, WeightsHash: i.WeightsHash,
	}
}

func fromInfo(i *pb.ModelInfo) core.ModelInfo {
	special := func(t *pb.SpecialToken) core.SpecialToken {
		return core.SpecialToken{Text: t.GetText(), ID: t.GetId()}
	}
	return core.ModelInfo{
		Name: i.GetName(), Path: i.GetPath(), Backend: i.GetBackend(), DType: i.GetDtype(),
		Parameters: i.GetParameters(), VocabSize: int(i.GetVocabSize()), MaxLength: int(i.GetMaxLength()),
		BOS: special(i.GetBos()), EOS: special(i.GetEos()), PAD: special(i.GetPad()),
		ChatTemplate: i.GetChatTemplate(), WeightsHash: i.GetWeightsHash(),
	}
}

func toMetric(m core.Metric) *pb.Metric {
	return &pb.Metric{Task: m.Task, Name: m.Name, Value: m.Value, StdErr: m.StdErr, N: int64(m.N), HigherIsBetter: m.HigherIsBetter}
}

func fromMetric(m *pb.Metric) core.Metric {
	return core.Metric{Task: m.GetTask(), Name: m.GetName(), Value: m.GetValue(), StdErr: m.GetStdErr(), N: int(m.GetN()), HigherIsBetter: m.GetHigherIsBetter()}
}

func toQuestion(q core.Question) *pb.Question {
	return &pb.Question{Task: q.Task, Text: q.Text}
}

func fromQuestion(q *pb.Question) core.Question {
	return core.Question{Task: q.GetTask(), Text: q.GetText()}
}

// toOptions writes options as a JSON object.
func toOptions(o core.Options) (string, error) {
	if len(o) == 0 {
		return "{}", nil
	}
	raw, err := json.Marshal(o)
	if err != nil {
		return "", fmt.Errorf("options: %w", err)
	}
	return string(raw), nil
}

// fromOptions reads what toOptions wrote. Whole numbers become int64 and others
// float64, as TOML has them.
func fromOptions(s string) (core.Options, error) {
	if s == "" {
		return core.Options{}, nil
	}
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	var o core.Options
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	for k, v := range o {
		o[k] = plainNumbers(v)
	}
	return o, nil
}

func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plainNumbers(v[k])
		}
	}
	return v
}

func toOpenOptions(o core.OpenOptions) (*pb.OpenOptions, error) {
	options, err := toOptions(o.Options)
	return &pb.OpenOptions{Dtype: o.DType, Train: o.Train, State: o.State, Options: options}, err
}

func fromOpenOptions(o *pb.OpenOptions) (core.OpenOptions, error) {
	options, err := fromOptions(o.GetOptions())
	return core.OpenOptions{DType: o.GetDtype(), Train: o.GetTrain(), State: o.GetState(), Options: options}, err
}
