package preference

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/chat"
)

// rendered is a conversation as the chat template writes it: the prompt alone,
// and with each continuation.
type rendered struct {
	prompt, chosen, rejected string
}

// render runs the chat template on the prompt and on the prompt with each
// continuation.
func (e *Encoder) render(x conversation) (r rendered, err error) {
	if e.template == nil {
		return r, fmt.Errorf("the rows are conversations and the model has no chat template; add chat_template.jinja to the model's folder, or convert the rows to text")
	}
	if r.prompt, err = e.renderPrompt(x); err != nil {
		return r, err
	}
	if r.chosen, err = e.renderMessages(x, slices.Concat(x.prompt, x.chosen), false); err != nil {
		return r, err
	}
	r.rejected, err = e.renderMessages(x, slices.Concat(x.prompt, x.rejected), false)
	return r, err
}

// renderPrompt renders the prompt as the profile's TRL does: 1.x always adds the
// generation prompt, older ones leave a last message of the assistant open.
func (e *Encoder) renderPrompt(x conversation) (string, error) {
	last := fields{x.prompt[len(x.prompt)-1]}
	switch role := last.get("role"); {
	case e.profile.Name == TRL1, role == "user", role == "tool":
		return e.renderMessages(x, x.prompt, true)
	case role == "assistant":
		return e.renderOpen(x, last)
	default:
		return "", fmt.Errorf("the prompt's last message has the role %q; %s takes user, tool or assistant (tokenization = %q takes any)", role, e.profile.Name, TRL1)
	}
}

// openTag marks where a message ends; transformers uses the same text.
const openTag = "CONTINUE_FINAL_MESSAGE_TAG "

// renderOpen renders the prompt up to the end of its last message's content, as
// transformers' continue_final_message does.
func (e *Encoder) renderOpen(x conversation, last fields) (string, error) {
	content, ok := last.get("content").(string)
	if !ok {
		return "", fmt.Errorf("the prompt's last message is the assistant's and its content is %s, not a string to continue", kindOf(last.get("content")))
	}
	tagged := chat.NewObject()
	for _, key := range last.Keys() {
		tagged.Set(key, last.get(key))
	}
	tagged.Set("content", content+openTag)
	text, err := e.renderMessages(x, append(slices.Clone(x.prompt[:len(x.prompt)-1]), tagged), false)
	if err != nil {
		return "", err
	}
	at := strings.LastIndex(text, strings.TrimSpace(openTag))
	switch {
	case at < 0 || !strings.Contains(text, strings.TrimSpace(content)):
		return "", fmt.Errorf("the chat template leaves out the prompt's last message, which is the assistant's and is to be continued; take tokenization = %q", TRL1)
	case strings.HasPrefix(text[at:], openTag):
		return text[:at], nil
	}
	return strings.TrimRightFunc(text[:at], unicode.IsSpace), nil
}

// renderMessages runs the chat template.
func (e *Encoder) renderMessages(x conversation, messages []message, generation bool) (string, error) {
	text, err := e.template.Render(chat.Context{
		Messages:            messages,
		AddGenerationPrompt: generation,
		BOS:                 e.special.BOS,
		EOS:                 e.special.EOS,
		PAD:                 e.special.PAD,
		UNK:                 e.special.UNK,
		Tools:               x.tools,
		Extra:               x.extra,
	})
	if err != nil {
		return "", fmt.Errorf("chat template: %w", err)
	}
	return text, nil
}

// source returns the conversation's contents as a pair without ids, for a row
// that is shown and not used.
func (x conversation) source() core.Pair {
	return core.Pair{Prompt: contents(x.prompt), Chosen: contents(x.chosen), Rejected: contents(x.rejected)}
}

func contents(messages []message) string {
	parts := make([]string, len(messages))
	for i, m := range messages {
		parts[i] = contentText(fields{m}.get("content"))
	}
	return strings.Join(parts, "\n\n")
}

// contentText returns a message's content where it is text or a list of blocks
// of text.
func contentText(content chat.Value) string {
	switch c := content.(type) {
	case string:
		return c
	case *chat.List:
		var b strings.Builder
		for _, block := range c.Items {
			if m, ok := block.(*chat.Object); ok {
				b.WriteString(contentText(fields{m}.get("text")))
			}
		}
		return b.String()
	}
	return ""
}

// isBlankAnswer reports whether the messages of a completion say nothing and
// call nothing.
func isBlankAnswer(messages []message) bool {
	calls := slices.ContainsFunc(messages, func(m message) bool { return fields{m}.has("tool_calls") })
	return !calls && isBlank(contents(messages))
}
