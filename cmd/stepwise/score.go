package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/scorer"
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

	line int // from 1
}

// text is the request's prompt and completions where they are no ids.
func (q *scoreRequest) text() core.Text {
	t := core.Text{Messages: q.Messages, Completions: q.Completions}
	if q.Prompt != nil {
		t.Prompt = *q.Prompt
	}
	return t
}

// scoreResult is a line of the output.
type scoreResult struct {
	LogProbs      []float64   `json:"logprobs"`
	Tokens        []int       `json:"tokens"`
	Greedy        []bool      `json:"greedy"`
	TokenLogProbs [][]float64 `json:"token_logprobs,omitempty"`
}

// add appends the scores of an item.
func (r *scoreResult) add(scores []core.Score, perToken bool) {
	for _, s := range scores {
		r.LogProbs = append(r.LogProbs, s.LogProb)
		r.Tokens = append(r.Tokens, s.Tokens)
		r.Greedy = append(r.Greedy, s.Greedy)
		if perToken {
			r.TokenLogProbs = append(r.TokenLogProbs, s.TokenLogProbs)
		}
	}
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
				return nil, lineError(n, err)
			}
			request.line = n
			requests = append(requests, request)
		}
		if err == io.EOF {
			return requests, nil
		}
	}
}

func lineError(line int, err error) error {
	return fmt.Errorf("standard input, line %d: %w", line, err)
}

// atLine names the line of the input that a text or an item came from, where the
// scorer finds fault with it.
func atLine(err error, lines []int) error {
	var f *scorer.Fault
	if errors.As(err, &f) {
		return lineError(lines[f.Index], f.Err)
	}
	return err
}

func parseRequest(line string) (scoreRequest, error) {
	var q scoreRequest
	d := json.NewDecoder(strings.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return q, err
	}
	if _, err := d.Token(); err != io.EOF {
		return q, errors.New("more follows the JSON object; want one object a line")
	}
	return q, q.check()
}

func (q *scoreRequest) check() error {
	given := 0
	for _, is := range []bool{q.Prompt != nil, q.Messages != nil, q.PromptIDs != nil} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return fmt.Errorf(`want one of "prompt", "messages" and "prompt_ids", not %d of them`, given)
	case (q.Completions == nil) == (q.CompletionsIDs == nil):
		return errors.New(`want one of "completions" and "completions_ids"`)
	case (q.PromptIDs == nil) != (q.CompletionsIDs == nil):
		return errors.New(`"prompt_ids" and "completions_ids" go together`)
	case q.Messages != nil && len(q.Messages) == 0:
		return errors.New(`"messages" is empty; give a message, or a text as "prompt"`)
	case q.PromptIDs != nil && len(q.PromptIDs) == 0:
		return errors.New(`"prompt_ids" is empty; the first completion token needs one to be predicted from, such as BOS`)
	case len(q.Completions)+len(q.CompletionsIDs) == 0:
		return errors.New("the list of completions is empty; give at least one to score")
	}
	return nil
}

// score writes the results of all requests, which are scored as one workload.
func score(ctx context.Context, s core.Scorer, requests []scoreRequest, perToken bool, w io.Writer) error {
	items, lines, err := itemsOf(ctx, s, requests)
	if err != nil {
		return err
	}
	scores, err := s.LogProbs(ctx, items, core.Detail{PerToken: perToken, Greedy: true})
	if err != nil {
		return atLine(err, lines)
	}
	out := bufio.NewWriter(w)
	e := json.NewEncoder(out)
	for _, q := range requests {
		var r scoreResult
		for len(lines) > 0 && lines[0] == q.line {
			r.add(scores[0], perToken)
			scores, lines = scores[1:], lines[1:]
		}
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	return out.Flush()
}

// itemsOf returns the requests' items and each one's line of the input.
func itemsOf(ctx context.Context, s core.Scorer, requests []scoreRequest) (items []core.Item, lines []int, err error) {
	var texts []core.Text
	var textLines []int
	for _, q := range requests {
		if q.PromptIDs == nil {
			texts = append(texts, q.text())
			textLines = append(textLines, q.line)
		}
	}
	encoded, err := s.Encode(ctx, texts, core.EncodeRules{NoTruncation: true})
	if err != nil {
		return nil, nil, atLine(err, textLines)
	}
	for _, q := range requests {
		of := []core.Item{{Prompt: q.PromptIDs, Completions: q.CompletionsIDs}}
		if q.PromptIDs == nil {
			of, encoded = encoded[0].Items, encoded[1:]
		}
		items = append(items, of...)
		lines = append(lines, slices.Repeat([]int{q.line}, len(of))...)
	}
	return items, lines, nil
}
