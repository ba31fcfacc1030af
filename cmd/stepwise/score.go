package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core"
)

func (a *app) scoreCommand() *cobra.Command {
	var model string
	var backend backendFlags
	var perToken bool
	c := &cobra.Command{
		Use:   "score --model M < items.jsonl > scores.jsonl",
		Short: "Log-probabilities of completions",
		Long: `Reads a JSON object a line: "prompt" (text), "messages" or "prompt_ids", with
"completions" (texts) or "completions_ids". Writes, in the same order, per
completion: "logprobs" (sum in nats), "tokens" (scored tokens), "greedy" (every
token was the argmax) and with --per-token "token_logprobs".

Ids are scored as given. Text prompts follow lm-eval's encode_pair, with BOS as
the tokenizer's own default; messages go through the chat template with the
generation prompt.`,
		Example: `  echo '{"prompt": "The capital of France is", "completions": [" Paris", " Rome"]}' |
    stepwise score --model models/smollm2`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, done := a.reporting(c.Context())
			defer done()
			requests, err := readRequests(a.in)
			if err != nil {
				return asUsage(err)
			}
			s, err := a.openScorer(ctx, model, backend)
			if err != nil {
				return err
			}
			defer s.Close()
			return score(ctx, s, requests, perToken, a.out)
		},
	}
	c.Flags().StringVar(&model, "model", "", "folder, .gguf or ORG/NAME")
	c.MarkFlagRequired("model")
	c.Flags().BoolVar(&perToken, "per-token", false, "also the log-probability of each token")
	backend.register(c)
	return c
}

// scoreRequest is a line of the input.
type scoreRequest struct {
	Prompt         *string        `json:"prompt"`
	Messages       []core.Message `json:"messages"`
	PromptIDs      []int32        `json:"prompt_ids"`
	Completions    []string       `json:"completions"`
	CompletionsIDs [][]int32      `json:"completions_ids"`
}

// scoreResult is a line of the output.
type scoreResult struct {
	LogProbs      []float64   `json:"logprobs"`
	Tokens        []int       `json:"tokens"`
	Greedy        []bool      `json:"greedy"`
	TokenLogProbs [][]float64 `json:"token_logprobs,omitempty"`
}

func readRequests(r io.Reader) ([]scoreRequest, error) {
	var requests []scoreRequest
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := lines.ReadString('\n')
		if err != nil && err != io.EOF {
			return nil, err
		}
		if strings.TrimSpace(line) != "" {
			request, err := parseRequest(line)
			if err != nil {
				return nil, fmt.Errorf("standard input, line %d: %w", n, err)
			}
			requests = append(requests, request)
		}
		if err == io.EOF {
			return requests, nil
		}
	}
}

func parseRequest(line string) (scoreRequest, error) {
	var q scoreRequest
	d := json.NewDecoder(strings.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return q, err
	}
	given := 0
	for _, is := range []bool{q.Prompt != nil, q.Messages != nil, q.PromptIDs != nil} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return q, fmt.Errorf(`want one of "prompt", "messages" and "prompt_ids", not %d of them`, given)
	case (q.Completions == nil) == (q.CompletionsIDs == nil):
		return q, fmt.Errorf(`want one of "completions" and "completions_ids"`)
	case (q.PromptIDs == nil) != (q.CompletionsIDs == nil):
		return q, fmt.Errorf(`"prompt_ids" and "completions_ids" go together`)
	}
	return q, nil
}

// score writes the results of all requests, which are scored as one workload.
func score(ctx context.Context, s core.Scorer, requests []scoreRequest, perToken bool, w io.Writer) error {
	items, counts, err := itemsOf(ctx, s, requests)
	if err != nil {
		return err
	}
	scores, err := s.LogProbs(ctx, items, core.Detail{PerToken: perToken, Greedy: true})
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	e := json.NewEncoder(out)
	for _, n := range counts {
		var r scoreResult
		for _, itemScores := range scores[:n] {
			for _, sc := range itemScores {
				r.LogProbs = append(r.LogProbs, sc.LogProb)
				r.Tokens = append(r.Tokens, sc.Tokens)
				r.Greedy = append(r.Greedy, sc.Greedy)
				if perToken {
					r.TokenLogProbs = append(r.TokenLogProbs, sc.TokenLogProbs)
				}
			}
		}
		scores = scores[n:]
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	return out.Flush()
}

// itemsOf returns the requests' items and how many each request has.
func itemsOf(ctx context.Context, s core.Scorer, requests []scoreRequest) (items []core.Item, counts []int, err error) {
	var texts []core.Text
	for _, q := range requests {
		if q.PromptIDs == nil {
			t := core.Text{Messages: q.Messages, Completions: q.Completions}
			if q.Prompt != nil {
				t.Prompt = *q.Prompt
			}
			texts = append(texts, t)
		}
	}
	encoded, err := s.Encode(ctx, texts, core.EncodeRules{NoTruncation: true})
	if err != nil {
		return nil, nil, err
	}
	for _, q := range requests {
		if q.PromptIDs != nil {
			items = append(items, core.Item{Prompt: q.PromptIDs, Completions: q.CompletionsIDs})
			counts = append(counts, 1)
			continue
		}
		items = append(items, encoded[0].Items...)
		counts = append(counts, len(encoded[0].Items))
		encoded = encoded[1:]
	}
	return items, counts, nil
}
