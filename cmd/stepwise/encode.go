package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stepwise-dpo/stepwise/core/preference"
	"github.com/stepwise-dpo/stepwise/core/scorer"
)

// profileFlags choose how text becomes tokens.
type profileFlags struct {
	name, mode      string
	length, prompts int
}

func (p *profileFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&p.name, "tokenization", preference.TRL1, "profile: trl-0.7.4, trl-0.28 or trl-1")
	c.Flags().IntVar(&p.length, "max-length", 1024, "tokens of prompt + completion")
	c.Flags().IntVar(&p.prompts, "max-prompt-length", 0, "tokens of the prompt, where the profile has it")
	c.Flags().StringVar(&p.mode, "truncation-mode", "", "keep_start or keep_end, where the profile has it")
}

func (p *profileFlags) profile() preference.Profile {
	return preference.Profile{Name: p.name, MaxLength: p.length, MaxPromptLength: p.prompts, TruncationMode: p.mode}
}

// newEncoder returns what encodes pairs for the model of the codec.
func newEncoder(c *scorer.Codec, p preference.Profile) (*preference.Encoder, error) {
	return preference.NewEncoder(c.Tokenizer, c.Template, p)
}

// sourceName is the file's name without its extensions.
func sourceName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}
