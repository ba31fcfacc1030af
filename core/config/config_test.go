package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/config"
)

const minimal = `
[model]
path = "model"

[[source]]
name = "easy"
path = "easy.jsonl"
`

// write puts the text and the files it needs into a folder.
func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"easy.jsonl", "hard.jsonl", "held.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "model"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "run.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDefaults: what is not given is the Zephyr paper's, with TRL 1's tokens.
func TestDefaults(t *testing.T) {
	path := write(t, minimal)
	c, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := c.Train
	if tr.LearningRate != 5e-7 || tr.LRSchedulerType != "linear" || tr.WarmupRatio != 0.1 || tr.BatchSize != 32 ||
		tr.NumTrainEpochs != 3 || tr.LossOptions["beta"] != 0.1 || tr.MaxGradNorm != 0 || tr.Tokenization != "trl-1" {
		t.Errorf("train: %+v", tr)
	}
	if c.Model.Path != filepath.Join(filepath.Dir(path), "model") || c.Backend.Name != "gorgonia" || c.Partition.Strategy != "easy-to-hard" {
		t.Errorf("configuration: %+v", c)
	}
}

// TestPresetIsOverridden: values given win over the preset's, and another
// optimizer brings its own constants.
func TestPresetIsOverridden(t *testing.T) {
	c, err := config.Load(write(t, minimal+"[train]\npreset = \"handbook-2023-11\"\nlearning_rate = 1e-4\nbeta = 0.3\noptim = \"adamw\"\n"), []string{"train.batch_size=4", "source.easy.limit=7"})
	if err != nil {
		t.Fatal(err)
	}
	o := c.Train.Optimizer()
	if c.Train.LearningRate != 1e-4 || c.Train.MaxGradNorm != 1 || c.Train.BatchSize != 4 || c.Sources[0].Limit != 7 || o.Beta2 != 0.999 || o.Alpha != 0 {
		t.Errorf("train %+v, optimizer %+v", c.Train, o)
	}
	l, err := c.Train.Loss()
	if err != nil || l.Beta != 0.3 {
		t.Errorf("loss %+v, %v", l, err)
	}
}

// TestResolvedFileLoads: the file written for the run's folder means the same.
func TestResolvedFileLoads(t *testing.T) {
	text := minimal + `
[[heldout]]
name = "held"
path = "held.jsonl"
[backend]
options = { threads = 2 }
[train]
loss_type = "simpo"
simpo_gamma = 1.5
[[eval]]
evaluator = "multiple-choice"
options = { tasks = ["h4"], limit = 3 }
`
	first, err := config.Load(write(t, text), nil)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := first.TOML()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, resolved, 0o644); err != nil {
		t.Fatal(err)
	}
	second, err := config.Load(path, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, resolved)
	}
	if !reflect.DeepEqual(first, second) {
		t.Errorf("%+v\nbecame\n%+v\nthrough\n%s", first, second, resolved)
	}
}

// TestResolvedFileElsewhere: what a run writes into its folder can be run from
// there and from any working directory, and a constant of 0 stays 0.
func TestResolvedFileElsewhere(t *testing.T) {
	path := write(t, minimal+"[train]\nadam_beta1 = 0.0\n")
	t.Chdir(filepath.Dir(path))
	first, err := config.Load("run.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := first.TOML()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(elsewhere, resolved, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	second, err := config.Load(elsewhere, nil)
	if err != nil || !reflect.DeepEqual(first, second) {
		t.Errorf("%v: %+v\nbecame\n%+v", err, first, second)
	}
}

// TestFaults: each fault is named with its line.
func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", minimal + "[train]\nlearning_rat = 1\n", "line 9: train.learning_rat"},
		{"unknown key of a table", minimal + "pth = 1\n", "line 8: source[0].pth"},
		{"unknown table", minimal + "[trian]\nbeta = 1\n", "line 8: trian"},
		{"option of another loss", minimal + "[train]\nloss_type = \"hinge\"\nlabel_smoothing = 0.1\n", "line 10: train.label_smoothing"},
		{"constant of another optimizer", minimal + "[train]\noptim = \"rmsprop\"\nadam_beta1 = 0.5\n", "line 10: train.adam_beta1"},
		{"wrong type", minimal + "[train]\nbatch_size = \"many\"\n", "line 9: train.batch_size: is a string, must be a whole number"},
		{"missing file", strings.Replace(minimal, "easy.jsonl", "gone.jsonl", 1), "line 7: source[0].path: no file"},
		{"no source", "[model]\npath = \"model\"\n", "source: there is none"},
		{"same name twice", minimal + "[[source]]\nname = \"easy\"\npath = \"hard.jsonl\"\n", "line 9: source[1].name"},
		{"range", minimal + "[train]\nwarmup_ratio = 1.5\n", "line 9: train.warmup_ratio"},
		{"choice", minimal + "[train]\ntarget_init = \"best\"\n", "line 9: train.target_init"},
		{"preset", minimal + "[train]\npreset = \"zephyr\"\n", "line 9: train.preset"},
		{"syntax", minimal + "[train\n", "end table name"},
		{"own tokens of the same model", minimal + "[train]\nreference_tokenization = \"own\"\n", "line 9: train.reference_tokenization"},
		{"profile", minimal + "[train]\nmax_prompt_length = 9\n", "max_prompt_length"},
		{"format", minimal + "format = \"csv\"\n", "line 8: source[0].format"},
		{"held-out twice", minimal + "eval_fraction = 0.5\n[[heldout]]\nname = \"easy-heldout\"\npath = \"held.jsonl\"\n", "easy-heldout"},
		{"no plugin folder", minimal + "[plugins]\ndir = \"gone\"\n", "line 9: plugins.dir"},
		{"constant out of range", minimal + "[train]\nadam_beta2 = 1.0\n", "line 9: train.adam_beta2"},
		{"not a table", minimal + "backend = 3\n", "source[0].backend"},
		{"key of [train] mistyped", minimal + "[train]\nlearning_rat = 1\n", "learning_rate, loss_type"},
		{"reference of a loss without", minimal + "[train]\nloss_type = \"simpo\"\nreference = \"base\"\n", "line 10: train.reference: loss_type \"simpo\" uses no reference"},
		{"epochs without end", minimal + "[train]\nnum_train_epochs = inf\n", "line 9: train.num_train_epochs: must be above 0 and finite"},
		{"no number", minimal + "[train]\nnum_train_epochs = nan\n", "line 9: train.num_train_epochs: must be above 0"},
		{"no fraction", minimal + "eval_fraction = nan\n", "line 8: source[0].eval_fraction"},
	} {
		_, err := config.Load(write(t, c.text), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestAllFaultsAtOnce: three faults, three lines.
func TestAllFaultsAtOnce(t *testing.T) {
	_, err := config.Load(write(t, minimal+"[train]\nlerning_rate = 1\nbatch_size = 0\n[model2]\nx = 1\n"), []string{"nonsense"})
	if err == nil || !strings.Contains(err.Error(), "4 faults") {
		t.Errorf("error %v, want four faults", err)
	}
}

// TestOneFaultEach: what is wrong once is reported once.
func TestOneFaultEach(t *testing.T) {
	for _, line := range []string{`preset = "zephyr"`, `optim = "adam"`} {
		_, err := config.Load(write(t, minimal+"[train]\n"+line+"\n"), nil)
		if err == nil || strings.Contains(err.Error(), "faults") {
			t.Errorf("%s: error %v, want one fault", line, err)
		}
	}
}

// TestFaultOfSetting: a fault that --set brings names the setting, not the line
// that it overrides.
func TestFaultOfSetting(t *testing.T) {
	path := write(t, minimal+"limit = 3\n[train]\nbatch_size = 4\n")
	for setting, want := range map[string]string{
		"train.batch_size=0":         `: --set "train.batch_size=0": train.batch_size: must be above 0`,
		"train.bach_size=1":          `: --set "train.bach_size=1": train.bach_size: `,
		"source.easy.limit=-1":       `: --set "source.easy.limit=-1": source[0].limit: `,
		"backend.dtype=float8":       `: --set "backend.dtype=float8": backend.dtype: `,
		"source.easy.format=\"csv\"": `: --set "source.easy.format=\"csv\"": source[0].format: `,
	} {
		if _, err := config.Load(path, []string{setting}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--set %s: error %v, want %q", setting, err, want)
		}
	}
	if _, err := config.Load(path, []string{"train.beta=0", "train.max_length=1"}); err == nil || !strings.Contains(err.Error(), `--set "train.beta=0": train.beta`) {
		t.Errorf("two settings: error %v", err)
	}
}

func TestSettings(t *testing.T) {
	for _, s := range []string{"train", "source.nobody.limit=1", "model.path.x=1", "source.easy=1"} {
		if _, err := config.Load(write(t, minimal), []string{s}); err == nil || !strings.Contains(err.Error(), s) {
			t.Errorf("--set %q: error %v, want one that names it", s, err)
		}
	}
}
