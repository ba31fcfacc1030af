package plugins

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

// remoteScorer is the host's model as a partitioner or evaluator sees it: it
// asks over the stream of the call that it is used in. What is asked in several
// messages is asked to the end, also where the author's context ends in between:
// the host would take the next question for the rest of this one.
type remoteScorer struct {
	call context.Context // of the stream
	ask  func(*pb.ScorerCall) error
	hear func() (*pb.ScorerAnswer, error)
}

var _ core.Scorer = (*remoteScorer)(nil)

// Info implements core.Scorer.
func (s *remoteScorer) Info(ctx context.Context) (core.ModelInfo, error) {
	if err := ctx.Err(); err != nil {
		return core.ModelInfo{}, err
	}
	if err := s.send(&pb.ScorerCall{Call: &pb.ScorerCall_Info{Info: &pb.InfoCall{}}}); err != nil {
		return core.ModelInfo{}, err
	}
	answer, err := s.receive()
	if err != nil {
		return core.ModelInfo{}, err
	}
	return fromInfo(answer.GetInfo()), nil
}

// Encode implements core.Scorer.
func (s *remoteScorer) Encode(ctx context.Context, texts []core.Text, r core.EncodeRules) ([]core.Encoded, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for rows, last := range chunks(convert(texts, toText)) {
		call := &pb.EncodeCall{
			Texts: rows, Bos: string(r.BOS), MaxLength: int64(r.MaxLength), NoTruncation: r.NoTruncation, Last: last,
		}
		if err := s.send(&pb.ScorerCall{Call: &pb.ScorerCall_Encode{Encode: call}}); err != nil {
			return nil, err
		}
	}
	encoded := make([]core.Encoded, 0, len(texts))
	for {
		answer, err := s.receive()
		if err != nil {
			return nil, err
		}
		encoded = append(encoded, convert(answer.GetEncoded().GetRows(), fromEncoded)...)
		if answer.GetEncoded().GetLast() {
			return encoded, sameLength("encoded texts", len(encoded), len(texts), "texts")
		}
	}
}

// LogProbs implements core.Scorer.
func (s *remoteScorer) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for rows, last := range chunks(convert(items, toItem)) {
		call := &pb.LogProbsCall{Items: rows, Detail: toDetail(d), Last: last}
		if err := s.send(&pb.ScorerCall{Call: &pb.ScorerCall_LogProbs{LogProbs: call}}); err != nil {
			return nil, err
		}
	}
	scores := make([][]core.Score, 0, len(items))
	for {
		answer, err := s.receive()
		if err != nil {
			return nil, err
		}
		scores = append(scores, convert(answer.GetScores().GetRows(), fromScores)...)
		if answer.GetScores().GetLast() {
			return scores, sameShape(scores, items)
		}
	}
}

func (s *remoteScorer) send(call *pb.ScorerCall) error {
	return s.broken(s.ask(call))
}

// receive returns the next message of an answer, or the host's error.
func (s *remoteScorer) receive() (*pb.ScorerAnswer, error) {
	answer, err := s.hear()
	if err != nil {
		return nil, s.broken(err)
	}
	if f := answer.GetFailure(); f != nil {
		return nil, fromFailure(f)
	}
	if answer.GetAnswer() == nil {
		return nil, errors.New("the host sent something else than an answer of its model")
	}
	return answer, nil
}

// broken says what an error of the stream means to the plugin's author.
func (s *remoteScorer) broken(err error) error {
	switch {
	case err == nil:
		return nil
	case s.call.Err() != nil:
		return s.call.Err()
	case errors.Is(err, io.EOF):
		return errors.New("the host has ended the call")
	}
	return fmt.Errorf("the connection to the host: %w", err)
}
