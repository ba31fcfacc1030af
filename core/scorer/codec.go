package scorer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sync/errgroup"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/chat"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
	"github.com/stepwise-dpo/stepwise/core/tokenizer"
)

// Codec is how a model reads: its tokenizer and its chat template.
type Codec struct {
	Tokenizer *tokenizer.Tokenizer
	Template  *chat.Template // nil where the model has none
}

// LoadCodec reads both from a model's folder.
func LoadCodec(dir string) (*Codec, error) {
	tok, err := tokenizer.Load(dir)
	if err != nil {
		return nil, fmt.Errorf("model %q: tokenizer: %w", dir, err)
	}
	tmpl, err := chat.FromFolder(dir)
	if err != nil && !errors.Is(err, chat.ErrNone) {
		return nil, fmt.Errorf("model %q: chat template: %w", dir, err)
	}
	return &Codec{Tokenizer: tok, Template: tmpl}, nil
}

// At returns the codec as it reads at that time, for a chat template that prints
// the date; without it, it is the present's.
func (t *Codec) At(now time.Time) *Codec {
	at := *t
	if t.Template != nil {
		at.Template = t.Template.At(now)
	}
	return &at
}

// Describe returns what partitioners and evaluators are told of the model in
// dir when it is opened by that backend with that dtype.
func (t *Codec) Describe(dir, name, backend, dtype string) (core.ModelInfo, error) {
	arch, err := checkpoint.ReadArchitecture(dir)
	if err != nil {
		return core.ModelInfo{}, err
	}
	hash, err := checkpoint.SHA256(dir)
	if err != nil {
		return core.ModelInfo{}, err
	}
	special := t.Tokenizer.Special()
	info := core.ModelInfo{
		Name: name, Path: dir, Backend: backend, DType: dtype,
		Parameters: int64(arch.Size()), VocabSize: arch.VocabSize, MaxLength: t.maxLength(arch),
		BOS: t.special(special.BOS), EOS: t.special(special.EOS), PAD: t.special(special.PAD),
		WeightsHash: hash,
	}
	if t.Template != nil {
		info.ChatTemplate = t.Template.Source()
	}
	return info, nil
}

func (t *Codec) special(text string) core.SpecialToken {
	id, ok := t.Tokenizer.ID(text)
	if text == "" || !ok {
		return core.SpecialToken{}
	}
	return core.SpecialToken{Text: text, ID: id}
}

// maxLength finds the window as lm-eval does: the configuration's positions,
// else the tokenizer's limit, else 2048.
func (t *Codec) maxLength(arch *checkpoint.Architecture) int {
	if arch.MaxPositions > 0 {
		return arch.MaxPositions
	}
	if n := t.Tokenizer.Special().ModelMaxLength; n > 0 {
		return n
	}
	return 2048
}

// Render applies the chat template with the generation prompt.
func (t *Codec) Render(messages []core.Message) (string, error) {
	if t.Template == nil {
		return "", errors.New("the model has no chat template; give the prompt as a string")
	}
	turns := make([]chat.Message, len(messages))
	for i, m := range messages {
		turns[i] = chat.Message{Role: m.Role, Content: m.Content}
	}
	special := t.Tokenizer.Special()
	text, err := t.Template.Render(chat.Context{
		Messages: chat.Dialogue(turns...), AddGenerationPrompt: true,
		BOS: special.BOS, EOS: special.EOS, PAD: special.PAD, UNK: special.UNK,
	})
	if err != nil {
		return "", fmt.Errorf("chat template: %w", err)
	}
	return text, nil
}

// encode turns texts into items, in parallel and in order. A text that cannot be
// encoded is a Fault.
func (t *Codec) encode(ctx context.Context, texts []core.Text, r core.EncodeRules) ([]core.Encoded, error) {
	out := make([]core.Encoded, len(texts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	const stride = 32
	for from := 0; from < len(texts); from += stride {
		g.Go(func() error {
			for i := from; i < min(from+stride, len(texts)); i++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				e, err := t.encodeOne(texts[i], r)
				if err != nil {
					return &Fault{Index: i, Name: fmt.Sprintf("text %d", i), Err: err}
				}
				out[i] = e
			}
			return nil
		})
	}
	return out, g.Wait()
}

func (t *Codec) encodeOne(text core.Text, r core.EncodeRules) (core.Encoded, error) {
	prompt := text.Prompt
	if len(text.Messages) > 0 {
		var err error
		if prompt, err = t.Render(text.Messages); err != nil {
			return core.Encoded{}, err
		}
	}
	e := core.Encoded{Prompt: prompt}
	item, err := t.encodePairs(prompt, text.Completions, r.BOS)
	if err != nil {
		return e, err
	}
	return e, fit(&e, item, r)
}

// encodePairs is lm-eval's encode_pair (api/model.py) for completions of one
// prompt. All of the items' prompts are equal, except that where the prompt is
// empty and a completion begins with the prefix token, that token becomes its
// prompt; both are the same id.
func (t *Codec) encodePairs(prompt string, completions []string, bos core.BOSRule) (core.Item, error) {
	context := strings.TrimRightFunc(prompt, pythonSpace)
	moved := prompt[len(context):]
	if context == "" {
		return t.encodeUnprompted(moved, completions, bos)
	}
	addSpecial := t.addSpecial(context, bos)
	item := core.Item{Prompt: t.Tokenizer.Encode(context, addSpecial)}
	for i, c := range completions {
		whole := t.Tokenizer.Encode(context+moved+c, addSpecial)
		if len(whole) <= len(item.Prompt) {
			return item, fmt.Errorf("completion %d, %q, adds no token to its prompt", i, c)
		}
		item.Completions = append(item.Completions, whole[len(item.Prompt):])
	}
	return item, nil
}

// encodeUnprompted conditions on the prefix token alone.
func (t *Codec) encodeUnprompted(moved string, completions []string, bos core.BOSRule) (core.Item, error) {
	prefix, err := t.prefix(bos)
	if err != nil {
		return core.Item{}, err
	}
	item := core.Item{Prompt: []int32{prefix}}
	for i, c := range completions {
		ids := t.Tokenizer.Encode(moved+c, false)
		if len(ids) > 0 && ids[0] == prefix {
			ids = ids[1:]
		}
		if len(ids) == 0 {
			return item, fmt.Errorf("completion %d, %q, has no token", i, c)
		}
		item.Completions = append(item.Completions, ids)
	}
	return item, nil
}

// prefix is the token that stands for an empty prompt: BOS, else EOS; on the
// leaderboard always EOS.
func (t *Codec) prefix(bos core.BOSRule) (int32, error) {
	special := t.Tokenizer.Special()
	candidates := []string{special.BOS, special.EOS}
	if bos == core.BOSNever {
		candidates = candidates[1:]
	}
	for _, text := range candidates {
		if id, ok := t.Tokenizer.ID(text); ok && text != "" {
			return id, nil
		}
	}
	return 0, errors.New("an empty prompt needs a BOS or EOS token, and the tokenizer has none")
}

// addSpecial says whether the tokenizer may add its special tokens: never on
// the leaderboard, and not where the text already starts with the prefix token.
func (t *Codec) addSpecial(text string, bos core.BOSRule) bool {
	if bos == core.BOSNever {
		return false
	}
	special := t.Tokenizer.Special()
	prefix := special.BOS
	if prefix == "" {
		prefix = special.EOS
	}
	return prefix == "" || !strings.HasPrefix(text, prefix)
}

// fit puts the item into e, cutting prompts on the left where prompt and
// completion exceed the window: of c + cont the last MaxLength+1 tokens are
// kept, the last of which is only predicted, never read.
func fit(e *core.Encoded, item core.Item, r core.EncodeRules) error {
	longest := 0
	for _, c := range item.Completions {
		longest = max(longest, len(c))
	}
	if r.MaxLength == 0 || len(item.Prompt)+longest <= r.MaxLength+1 {
		e.Items = []core.Item{item}
		return nil
	}
	for i, c := range item.Completions {
		prompt := item.Prompt
		if over := len(prompt) + len(c) - (r.MaxLength + 1); over > 0 {
			if r.NoTruncation {
				return fmt.Errorf("prompt and completion %d have %d tokens, the window is %d; shorten the prompt", i, len(prompt)+len(c), r.MaxLength)
			}
			if over >= len(prompt) {
				return fmt.Errorf("completion %d has %d tokens, the window is %d", i, len(c), r.MaxLength)
			}
			prompt = prompt[over:]
			e.Truncated++
		}
		e.Items = append(e.Items, core.Item{Prompt: prompt, Completions: [][]int32{c}})
	}
	return nil
}

// pythonSpace is what Python's str.rstrip removes.
func pythonSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}
