package multiplechoice

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/results"
)

// chatML renders as SmolLM2's template does.
func chatML(messages []core.Message) (string, error) {
	var b strings.Builder
	if messages[0].Role != "system" {
		b.WriteString("<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n")
	}
	for _, m := range messages {
		fmt.Fprintf(&b, "<|im_start|>%s\n%s<|im_end|>\n", m.Role, m.Content)
	}
	return b.String() + "<|im_start|>assistant\n", nil
}

// TestSampleFiles rebuilds whole lines of lm-eval's samples files to the
// character, from the log-likelihoods in them.
func TestSampleFiles(t *testing.T) {
	shared := testenv.Shared(t)
	files, err := filepath.Glob(filepath.Join(shared, "golden", "lm-eval-0.4.13", "examples", "sample_*_full.jsonl"))
	if err != nil || len(files) != 8 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	shots := map[string]int{"plain_arc_challenge": 25, "plain_mmlu10": 5, "plain_arc_easy_chat3": 3, "plain_hellaswag": 10, "plain_winogrande": 5}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "sample_"), "_full.jsonl")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.TrimSuffix(string(data), "\n")
			run := strings.Join(strings.Split(name, "_")[:2], "_")
			if strings.Contains(name, "challenge") || strings.Contains(name, "chat3") {
				run = strings.Join(strings.Split(name, "_")[:strings.Count(strings.SplitN(name, "_arc_", 3)[1], "_")+3], "_")
			}
			task := strings.TrimPrefix(name, run+"_")
			o := core.Options{"data": goldenData(t, shared, run), "tasks": []string{task}, "limit": 1, "num_fewshot": shots[run],
				"apply_chat_template": strings.Contains(run, "chat")}
			_, out := evaluated(t, o, &fakeScorer{render: chatML, answer: storedAnswers(t, want)})
			dir := t.TempDir()
			if err := out.Write(dir); err != nil {
				t.Fatal(err)
			}
			lines, err := globIn(dir, "samples_*.jsonl")
			if err != nil || len(lines) != 1 {
				t.Fatalf("%d files: %v", len(lines), err)
			}
			if got := strings.TrimSuffix(contents(t, lines[0]), "\n"); got != want {
				t.Errorf("%s, shots %d: line\n%.1500s\nwant\n%.1500s", run, shots[run], got, want)
			}
		})
	}
}

// storedAnswers answers with the responses of a sample's line, in order.
func storedAnswers(t *testing.T, line string) func(string, string) answer {
	v, err := py.ParseJSON([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	responses, _ := v.(py.Object).Get("filtered_resps")
	next := 0
	return func(string, string) answer {
		pair := responses.([]any)[next].([]any)
		next++
		ll, err := strconv.ParseFloat(pair[0].(string), 64)
		if err != nil {
			t.Fatal(err)
		}
		return answer{ll, pair[1] == "True"}
	}
}

// TestResultsFiles rebuilds lm-eval's results files to the character; only what
// tells of the machine and the moment is taken from them.
func TestResultsFiles(t *testing.T) {
	shared := testenv.Shared(t)
	for _, c := range []struct {
		run     string
		options core.Options
		right   map[string]map[string]int // documents right, by task and metric
	}{
		{"plain_arc_challenge", core.Options{"tasks": []string{"arc_challenge"}, "num_fewshot": 25, "limit": 8},
			map[string]map[string]int{"arc_challenge": {"acc": 3, "acc_norm": 5}}},
		{"plain_arc_easy_chat3", core.Options{"tasks": []string{"arc_easy"}, "num_fewshot": 3, "limit": 12, "apply_chat_template": true},
			map[string]map[string]int{"arc_easy": {"acc": 7, "acc_norm": 5}}},
		{"plain_mmlu10", core.Options{"tasks": []string{"mmlu10"}, "num_fewshot": 5, "limit": 4, "task_dir": "testdata/fixtures"},
			map[string]map[string]int{
				"mmlu_abstract_algebra": {"acc": 1}, "mmlu_anatomy": {"acc": 1}, "mmlu_astronomy": {"acc": 1},
				"mmlu_college_physics": {"acc": 1}, "mmlu_machine_learning": {"acc": 1},
				"mmlu_business_ethics": {"acc": 0}, "mmlu_global_facts": {"acc": 1},
				"mmlu_high_school_european_history": {"acc": 0}, "mmlu_international_law": {"acc": 1}, "mmlu_world_religions": {"acc": 1},
			}},
	} {
		t.Run(c.run, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(shared, "golden", "lm-eval-0.4.13", "examples", "results_"+c.run+"_trimmed.json"))
			if err != nil {
				t.Fatal(err)
			}
			v, err := py.ParseJSON(data)
			if err != nil {
				t.Fatal(err)
			}
			want := v.(py.Object)
			c.options["data"] = goldenData(t, shared, c.run)
			_, out := evaluated(t, c.options, &fakeScorer{render: chatML, answer: zeros, info: goldenInfo(want)})
			for _, task := range out.Tasks {
				for metric, right := range c.right[task.Name] {
					count(task.Samples, metric, right)
				}
			}
			got := written(t, out)
			adopt(&got, want)
			if text := py.DumpJSON(got, py.Format{Indent: 1}); text != string(data) {
				t.Error(firstDifference(text, string(data)))
			}
		})
	}
}

// TestUnknownOfModel: what is not known of the model is null.
func TestUnknownOfModel(t *testing.T) {
	_, out := evaluated(t, core.Options{"tasks": []string{"piqa"}, "data": "testdata/bench"}, checksumScorer())
	got := written(t, out)
	id, _ := got.Get("eot_token_id")
	device, ok := got.Object("config").Get("device")
	if id != nil || device != nil || !ok {
		t.Errorf("eot_token_id %v, device %v", id, device)
	}
}

// count makes so many of the samples right.
func count(samples []results.Sample, metric string, right int) {
	for i, s := range samples {
		s.Values[metric] = oneIf(i < right)
	}
}

// goldenInfo describes the model of a results file.
func goldenInfo(golden py.Object) core.ModelInfo {
	template, _ := golden.Get("chat_template")
	text, _ := template.(string)
	return core.ModelInfo{
		Name: "models/smollm2", Path: "models/smollm2", Backend: "hf", DType: "float32", Parameters: 134515008, MaxLength: 8192, ChatTemplate: text,
		PAD: core.SpecialToken{Text: "<|im_end|>", ID: 2}, EOS: core.SpecialToken{Text: "<|im_end|>", ID: 2}, BOS: core.SpecialToken{Text: "<|im_start|>", ID: 1},
	}
}

// adopt takes from the golden what depends on machine and moment, and leaves out
// the tasks that the golden's trimming left out, and our own key.
func adopt(got *py.Object, want py.Object) {
	*got = slices.DeleteFunc(*got, func(m py.Member) bool { return m.Key == "stepwise" })
	for _, key := range []string{"date", "pretty_env_info", "transformers_version", "total_evaluation_time_seconds"} {
		v, _ := want.Get(key)
		got.Set(key, v)
	}
	config := got.Object("config")
	config.Set("bootstrap_iters", int64(100000))
	config.Set("device", "cpu")
	for _, key := range []string{"results", "configs"} {
		kept := slices.DeleteFunc(got.Object(key), func(m py.Member) bool {
			_, ok := want.Object(key).Get(m.Key)
			return !ok
		})
		got.Set(key, kept)
	}
	for _, m := range got.Object("configs") {
		metadata := m.Value.(py.Object).Object("metadata")
		source, _ := want.Object("configs").Object(m.Key).Object("metadata").Get("config_source")
		metadata.Set("config_source", source)
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d:\n%s\nwant\n%s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(a), len(b))
}
