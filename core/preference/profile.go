package preference

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Profile is a generation of TRL's rules for turning a pair into ids. Zero
// values stand for the profile's own defaults; [Profile.Resolve] fills them in.
//
//	name       tokenised            BOS, EOS                           cut
//	trl-0.7.4  prompt, completion   no BOS; always + EOS               if prompt + longer completion > MaxLength: prompt to MaxPromptLength;
//	           apart                                                   if still over: completions to MaxLength - MaxPromptLength, the start
//	trl-0.28   prompt, completion   no BOS; + EOS; chat: the           prompt to its last MaxPromptLength,
//	           apart                template only                      then the whole to MaxLength
//	trl-1      prompt + completion  the tokenizer's; + EOS if absent;  the whole to MaxLength; prompts that fill it are dropped
//	           together             chat: the template only
//
// trl-1 is TRL 0.29 and later, checked against 1.16.
type Profile struct {
	Name            string `json:"tokenization"`
	MaxLength       int    `json:"max_length"`                  // tokens of prompt + completion
	MaxPromptLength int    `json:"max_prompt_length,omitempty"` // tokens; not in trl-1
	TruncationMode  string `json:"truncation_mode"`             // KeepStart or KeepEnd; of the prompt alone in trl-0.7.4
}

// The ways to cut what is too long.
const (
	KeepStart = "keep_start"
	KeepEnd   = "keep_end"
)

// The names of the profiles.
const (
	TRL074 = "trl-0.7.4"
	TRL028 = "trl-0.28"
	TRL1   = "trl-1"
)

// profileDefaults are TRL's own, except in trl-0.7.4, whose users all set the
// alignment handbook's 1024 and 512.
var profileDefaults = map[string]Profile{
	TRL074: {Name: TRL074, MaxLength: 1024, MaxPromptLength: 512, TruncationMode: KeepEnd},
	TRL028: {Name: TRL028, MaxLength: 1024, MaxPromptLength: 512, TruncationMode: KeepEnd},
	TRL1:   {Name: TRL1, MaxLength: 1024, TruncationMode: KeepStart},
}

// Profiles returns the names of the profiles.
func Profiles() []string {
	return slices.Sorted(maps.Keys(profileDefaults))
}

// Resolve returns p with every default filled in; an empty name is trl-1. All
// faults are joined in the error, which names the settings.
func (p Profile) Resolve() (Profile, error) {
	if p.Name == "" {
		p.Name = TRL1
	}
	d, ok := profileDefaults[p.Name]
	if !ok {
		return p, fmt.Errorf("tokenization: unknown profile %q; profiles are: %s", p.Name, strings.Join(Profiles(), ", "))
	}
	var faults []error
	if p.MaxPromptLength != 0 && d.MaxPromptLength == 0 {
		faults = append(faults, fmt.Errorf("max_prompt_length: profile %q has none; it cuts the whole row at max_length (remove it, or take tokenization = %q)", p.Name, TRL028))
	}
	if p.MaxLength < 0 {
		faults = append(faults, fmt.Errorf("max_length: %d is negative", p.MaxLength))
	}
	if p.MaxPromptLength < 0 {
		faults = append(faults, fmt.Errorf("max_prompt_length: %d is negative", p.MaxPromptLength))
	}
	if m := p.TruncationMode; m != "" && m != KeepStart && m != KeepEnd {
		faults = append(faults, fmt.Errorf("truncation_mode: unknown mode %q; modes are: %s, %s", m, KeepStart, KeepEnd))
	}
	if len(faults) > 0 {
		return p, errors.Join(faults...)
	}
	return p.withDefaults(d)
}

// withDefaults fills in what p leaves open and checks what remains.
func (p Profile) withDefaults(d Profile) (Profile, error) {
	if p.MaxLength == 0 {
		p.MaxLength = d.MaxLength
	}
	if p.MaxPromptLength == 0 {
		p.MaxPromptLength = d.MaxPromptLength
	}
	if p.TruncationMode == "" {
		p.TruncationMode = d.TruncationMode
	}
	if p.MaxLength < 2 {
		return p, fmt.Errorf("max_length: %d leaves no room for a prompt and a completion", p.MaxLength)
	}
	if p.Name == TRL074 && p.MaxPromptLength >= p.MaxLength {
		return p, fmt.Errorf("max_prompt_length: %d leaves nothing of max_length = %d for the completion; set it below", p.MaxPromptLength, p.MaxLength)
	}
	return p, nil
}
