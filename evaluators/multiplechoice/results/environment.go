package results

import (
	"fmt"
	"runtime"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// environment are the entries from config on.
func (c *content) environment() py.Object {
	var hashes py.Object
	for _, t := range c.Tasks {
		hashes.Set(t.Name, t.Hash())
	}
	return py.Object{
		{Key: "config", Value: c.modelConfig()},
		{Key: "git_hash", Value: nil},
		{Key: "date", Value: float64(c.Start.UnixMicro()) / 1e6},
		{Key: "pretty_env_info", Value: fmt.Sprintf("%s on %s/%s, %d CPUs", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())},
		{Key: "transformers_version", Value: nil},
		{Key: "lm_eval_version", Value: "0.4.13"},
		{Key: "upper_git_hash", Value: nil},
		{Key: "tokenizer_pad_token", Value: special(c.Model.PAD)},
		{Key: "tokenizer_eos_token", Value: special(c.Model.EOS)},
		{Key: "tokenizer_bos_token", Value: special(c.Model.BOS)},
		{Key: "eot_token_id", Value: idOrNull(c.Model.EOS)},
		{Key: "max_length", Value: c.maxLength()},
		{Key: "task_hashes", Value: hashes},
		{Key: "model_source", Value: c.Model.Backend},
		{Key: "model_name", Value: c.Model.Name},
		{Key: "model_name_sanitized", Value: FolderName(c.Model.Name)},
		{Key: "system_instruction", Value: py.TextOrNone(c.System)},
		{Key: "system_instruction_sha", Value: hashOrNull(c.System)},
		{Key: "fewshot_as_multiturn", Value: c.ifChat(c.Multiturn)},
		{Key: "chat_template", Value: c.ifChat(py.TextOrNone(c.Model.ChatTemplate))},
		{Key: "chat_template_sha", Value: c.ifChat(hashOrNull(c.Model.ChatTemplate))},
		{Key: "total_evaluation_time_seconds", Value: py.FloatRepr(c.Took.Seconds())},
	}
}

func (c *content) ifChat(v any) any {
	if c.Chat {
		return v
	}
	return nil
}

func (c *content) maxLength() int {
	if c.Settings.MaxLength > 0 {
		return c.Settings.MaxLength
	}
	return c.Model.MaxLength
}

func special(t core.SpecialToken) []any {
	if t.Text == "" {
		return []any{nil, "None"}
	}
	return []any{t.Text, fmt.Sprint(t.ID)}
}

func idOrNull(t core.SpecialToken) any {
	if t.Text == "" {
		return nil
	}
	return int64(t.ID)
}

func hashOrNull(s string) any {
	if s == "" {
		return nil
	}
	return sha256Hex(s)
}

// modelConfig is the entry config.
func (c *content) modelConfig() py.Object {
	var limit any
	if c.Limit > 0 {
		limit = c.Limit
	}
	return py.Object{
		{Key: "model", Value: c.Model.Backend},
		{Key: "model_args", Value: c.modelArgs()},
		{Key: "model_num_parameters", Value: c.Model.Parameters},
		{Key: "model_dtype", Value: "torch." + torchName(c.Model.DType)},
		{Key: "model_revision", Value: "main"},
		{Key: "model_sha", Value: c.Model.WeightsHash},
		{Key: "batch_size", Value: "1"},
		{Key: "batch_sizes", Value: []any{}},
		{Key: "device", Value: nil}, // the backend's own affair
		{Key: "use_cache", Value: nil},
		{Key: "limit", Value: limit},
		{Key: "bootstrap_iters", Value: int64(0)},
		{Key: "gen_kwargs", Value: py.Object{}},
		{Key: "random_seed", Value: int64(0)},
		{Key: "numpy_seed", Value: int64(1234)},
		{Key: "torch_seed", Value: int64(1234)},
		{Key: "fewshot_seed", Value: c.Seed},
	}
}

func (c *content) modelArgs() py.Object {
	return py.Object{{Key: "pretrained", Value: c.Model.Path}, {Key: "dtype", Value: torchName(c.Model.DType)}}
}

// torchName is PyTorch's name of a type of numbers.
func torchName(dtype string) string {
	if dtype == "bf16" {
		return "bfloat16"
	}
	return dtype
}
