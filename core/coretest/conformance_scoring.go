package coretest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
)

var scoringChecks = []check[*backendSuite]{
	{"unknown settings are refused", checkSettings},
	{"a missing model is an error", func(ctx context.Context, s *backendSuite) error {
		dir, err := s.folder()
		if err != nil {
			return err
		}
		m, err := s.backend.Open(ctx, dir, s.openOptions())
		if err == nil {
			return errors.Join(errors.New("an empty folder was opened as a model"), m.Close())
		}
		return nil
	}},
	{"probabilities sum to one", checkNormalised},
	{"chain rule", checkChainRule},
	{"order and details of scores", checkOrder},
	{"cuts change no score", checkCuts},
	{"an empty workload", func(ctx context.Context, s *backendSuite) error {
		return s.with(ctx, func(m core.Model) error {
			scores, err := m.LogProbs(ctx, nil, core.Detail{})
			if err == nil && len(scores) != 0 {
				return fmt.Errorf("%d scores of no items", len(scores))
			}
			return err
		})
	}},
	{"bad items are errors", checkBadItems},
	{"cancellation", checkCancellation},
}

func checkSettings(ctx context.Context, s *backendSuite) error {
	if err := s.backend.Check(ctx, s.openOptions()); err != nil {
		return fmt.Errorf("the suite's own options are refused: %w", err)
	}
	o := s.openOptions()
	o.Options = core.Options{"no-such-option": true}
	if err := s.backend.Check(ctx, o); err == nil {
		return errors.New(`Check accepts the option "no-such-option"`)
	}
	o = s.openOptions()
	o.DType = "float12"
	if err := s.backend.Check(ctx, o); err == nil {
		return errors.New(`Check accepts the dtype "float12"`)
	}
	return nil
}

// checkNormalised asks for every token as a completion of its own: the
// probabilities sum to 1, and the greedy one is the most probable.
func checkNormalised(ctx context.Context, s *backendSuite) error {
	item := core.Item{Prompt: s.items()[0].Prompt}
	for id := range s.vocab {
		item.Completions = append(item.Completions, []int32{int32(id)})
	}
	return s.with(ctx, func(m core.Model) error {
		scores, err := m.LogProbs(ctx, []core.Item{item}, core.Detail{Greedy: true})
		if err != nil {
			return err
		}
		if len(scores) != 1 || len(scores[0]) != s.vocab {
			return fmt.Errorf("scores of the wrong shape for 1 item of %d completions", s.vocab)
		}
		sum, greedy, top := 0.0, []int(nil), math.Inf(-1)
		for id, score := range scores[0] {
			sum += math.Exp(score.LogProb)
			top = max(top, score.LogProb)
			if score.Greedy {
				greedy = append(greedy, id)
			}
		}
		if math.Abs(sum-1) > s.options.LogProb {
			return fmt.Errorf("the probabilities of all tokens sum to %v", sum)
		}
		if len(greedy) != 1 || scores[0][greedy[0]].LogProb != top {
			return fmt.Errorf("greedy are %v, not the most probable token alone", greedy)
		}
		return nil
	})
}

// checkChainRule: log p(ab|x) = log p(a|x) + log p(b|xa), token by token.
func checkChainRule(ctx context.Context, s *backendSuite) error {
	return s.with(ctx, func(m core.Model) error {
		item := s.items()[3]
		prompt, completion := item.Prompt, item.Completions[0]
		whole, err := m.LogProbs(ctx, []core.Item{item}, core.Detail{PerToken: true})
		if err != nil {
			return err
		}
		for i, id := range completion {
			one := core.Item{Prompt: slices.Concat(prompt, completion[:i]), Completions: [][]int32{{id}}}
			scores, err := m.LogProbs(ctx, []core.Item{one}, core.Detail{})
			if err != nil {
				return err
			}
			if len(whole[0][0].TokenLogProbs) != len(completion) {
				return fmt.Errorf("%d token log-probabilities for %d tokens", len(whole[0][0].TokenLogProbs), len(completion))
			}
			if err := s.near(whole[0][0].TokenLogProbs[i], scores[0][0].LogProb); err != nil {
				return fmt.Errorf("token %d, within its completion and alone: %w", i, err)
			}
		}
		return nil
	})
}

// checkOrder runs the items forwards and backwards and looks into each score.
func checkOrder(ctx context.Context, s *backendSuite) error {
	return s.with(ctx, func(m core.Model) error {
		items := s.items()
		forwards, err := m.LogProbs(ctx, items, core.Detail{PerToken: true})
		if err != nil {
			return err
		}
		for i, item := range items {
			if i >= len(forwards) || len(forwards[i]) != len(item.Completions) {
				return fmt.Errorf("item %d: not one score a completion", i)
			}
			for j, score := range forwards[i] {
				if err := s.checkDetail(score, len(item.Completions[j])); err != nil {
					return fmt.Errorf("item %d, completion %d: %w", i, j, err)
				}
			}
		}
		slices.Reverse(items)
		backwards, err := m.LogProbs(ctx, items, core.Detail{})
		if err != nil {
			return err
		}
		slices.Reverse(backwards)
		return s.checkScores("forwards, then backwards", forwards, backwards)
	})
}

func (s *backendSuite) checkDetail(score core.Score, tokens int) error {
	if score.Tokens != tokens || len(score.TokenLogProbs) != tokens {
		return fmt.Errorf("score of %d tokens with %d log-probabilities for %d tokens", score.Tokens, len(score.TokenLogProbs), tokens)
	}
	sum := 0.0
	for _, logp := range score.TokenLogProbs {
		if logp > 0 {
			return fmt.Errorf("log-probability %v of a token is above 0", logp)
		}
		sum += logp
	}
	return s.near(score.LogProb, sum)
}

func checkCuts(ctx context.Context, s *backendSuite) error {
	return s.with(ctx, func(m core.Model) error {
		whole, err := m.LogProbs(ctx, s.items(), core.Detail{})
		if err != nil {
			return err
		}
		var cut [][]core.Score
		for _, item := range s.items() {
			var row []core.Score
			for _, completion := range item.Completions {
				one := core.Item{Prompt: item.Prompt, Completions: [][]int32{completion}}
				scores, err := m.LogProbs(ctx, []core.Item{one}, core.Detail{})
				if err != nil {
					return err
				}
				row = append(row, scores[0]...)
			}
			cut = append(cut, row)
		}
		return s.checkScores("at once, then one by one", whole, cut)
	})
}

// checkBadItems: none is accepted, none panics, and the model works on.
func checkBadItems(ctx context.Context, s *backendSuite) error {
	bad := map[string]core.Item{
		"an empty prompt":            {Completions: [][]int32{{1}}},
		"an empty completion":        {Prompt: []int32{1}, Completions: [][]int32{{1}, {}}},
		"a token of the vocab size":  {Prompt: []int32{1}, Completions: [][]int32{{int32(s.vocab)}}},
		"a negative token":           {Prompt: []int32{-1}, Completions: [][]int32{{1}}},
		"a token far out of the way": {Prompt: []int32{1, math.MaxInt32}, Completions: [][]int32{{1}}},
	}
	return s.with(ctx, func(m core.Model) error {
		for what, item := range bad {
			if _, err := m.LogProbs(ctx, []core.Item{item}, core.Detail{}); err == nil {
				return fmt.Errorf("LogProbs accepts %s", what)
			}
			if err := m.Accumulate(ctx, []core.Item{item}, fixed); err == nil {
				return fmt.Errorf("Accumulate accepts %s", what)
			}
		}
		_, err := m.LogProbs(ctx, s.items(), core.Detail{})
		return err
	})
}

func checkCancellation(ctx context.Context, s *backendSuite) error {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if m, err := s.backend.Open(cancelled, s.path, s.openOptions()); err == nil {
		return errors.Join(errors.New("Open succeeds under a cancelled context"), m.Close())
	} else if err := wantError("Open", err, context.Canceled); err != nil {
		return err
	}
	return s.with(ctx, func(m core.Model) error {
		_, err := m.LogProbs(cancelled, s.items(), core.Detail{})
		if err := wantError("LogProbs", err, context.Canceled); err != nil {
			return err
		}
		err = m.Accumulate(cancelled, s.items(), fixed)
		if err := wantError("Accumulate", err, context.Canceled); err != nil {
			return err
		}
		_, err = m.Update(cancelled, sgd(1))
		if err := wantError("Update", err, context.Canceled); err != nil {
			return err
		}
		_, err = m.LogProbs(ctx, s.items(), core.Detail{})
		return err
	})
}
