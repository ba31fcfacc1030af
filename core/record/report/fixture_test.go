package report

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/stepwise-dpo/stepwise/core/preference"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// fixture is what a test run's folder will hold; nil or empty is not written.
type fixture struct {
	config   string
	manifest *record.Manifest
	plan     *record.Plan
	steps    []record.StepResult
	summary  *record.Summary
	metrics  []record.Metrics
	rows     []preference.Report
	heldout  map[string][]record.PairScore // by model
}

const fixtureConfig = `
[run]
name = "fixture"
seed = %d
[model]
path = "models/base"
[backend]
name = "gorgonia"
dtype = "float32"
[[source]]
name = "orca"
path = "orca.jsonl"
[partition]
strategy = "%s"
[train]
loss_type = "sigmoid"
beta = 0.1
reference = "previous"
target_init = "previous"
learning_rate = 5e-7
lr_scheduler_type = "linear"
warmup_ratio = 0.1
optim = "adamw"
weight_decay = 0.0
num_train_epochs = 1.0
max_length = 1024
tokenization = "trl-1"
batch_size = 16
max_grad_norm = 0.0
`

func config(seed int, strategy string) string { return fmt.Sprintf(fixtureConfig, seed, strategy) }

func pointer(v float64) *float64 { return &v }

// twoSteps is a run of two steps with everything in it, its numbers all
// different.
func twoSteps() *fixture {
	f := &fixture{
		config: config(7, "easy-to-hard"),
		manifest: &record.Manifest{
			Version: "1.2.3", Seed: 7, Started: "2026-01-02T03:04:05Z",
			Model:   record.Hashed{Path: "models/base", SHA256: strings.Repeat("ab", 32)},
			Sources: map[string]record.Hashed{"orca": {Path: "orca.jsonl", SHA256: strings.Repeat("cd", 32)}},
			Plugins: map[string]record.PluginUsed{"backend-gorgonia": {Hashed: record.Hashed{Path: "/bin/x", SHA256: strings.Repeat("ef", 32)}, Version: "9", BuiltIn: true}},
		},
		plan: &record.Plan{Strategy: "easy-to-hard", Steps: []record.PlanStep{
			{Step: 1, Pairs: 320, Sources: []record.PlanSource{{Name: "orca", Pairs: 320, RewardAccuracy: pointer(0.8125), GammaMean: pointer(1.25)}}},
			{Step: 2, Pairs: 480, Sources: []record.PlanSource{
				{Name: "ultra", Pairs: 160, RewardAccuracy: pointer(0.4375), GammaMean: pointer(-2.5)},
				{Name: "extra", Pairs: 320, RewardAccuracy: pointer(0.375), GammaMean: pointer(-3.25)},
			}},
		}},
		steps: []record.StepResult{
			{Step: 1, Pairs: 320, Updates: 20, Gamma: record.GammaMeans{Mean: 1.25, PerToken: 0.0123}, RewardAccuracy: 0.8125, Loss: record.FirstLast{First: math.Ln2, Last: 0.6011}, ModelHash: strings.Repeat("12", 32), Seconds: 12.5},
			{Step: 2, Pairs: 480, Updates: 30, Gamma: record.GammaMeans{Mean: -1.75, PerToken: -0.0456}, RewardAccuracy: 0.4562, Loss: record.FirstLast{First: math.Ln2, Last: 0.5522}, ModelHash: strings.Repeat("34", 32), Seconds: 7},
		},
		summary: &record.Summary{Models: []record.ModelSummary{
			model("S", math.Ln2, 0, 0, 0, -3.5, 0.31, 0.2501),
			model("M1", 0.6123, 0.7017, 0.1234, 0.0432, -1.5, 0.42, 0.2602),
			model("M2", 0.5678, 0.8019, 0.2345, 0.0765, 2.5, 0.63, 0.2703),
		}},
	}
	for step, updates := range []int{20, 30} {
		for u := range updates {
			f.metrics = append(f.metrics, update(step+1, u+1, updates))
		}
	}
	return f
}

// model measures one model on one held-out source and one benchmark.
func model(name string, loss, accuracy, margin, chosen, gamma, right, acc float64) record.ModelSummary {
	return record.ModelSummary{
		Name:    name,
		Gamma:   map[string]record.Gamma{"held": {Mean: gamma, PerToken: gamma / 64, LengthMatched: record.Number(gamma / 2), RewardAccuracy: right, Pairs: 500}},
		Heldout: map[string]record.Heldout{"held": {Loss: loss, Accuracy: accuracy, Margin: margin, RewardsChosen: chosen, RewardsRejected: chosen - margin}},
		Eval:    map[string]map[string]record.Number{"arc": {"acc_norm": record.Number(acc)}},
	}
}

// update is an update of a run that learns: the loss falls, the rewards part.
func update(step, n, of int) record.Metrics {
	x := float64(n-1) / float64(of)
	return record.Metrics{
		Step: step, Update: n, Loss: math.Ln2 - 0.1*x*x, GradNorm: 1 + 0.3*math.Sin(float64(3*n)),
		LearningRate: 5e-7 * (1 - x), RewardsChosen: 0.1 * x, RewardsRejected: -0.2 * x, Margins: 0.3 * x,
		Accuracies: math.Min(1, 2*x), LogpsChosen: -20 + x, LogpsRejected: -25 - 2*x, Tokens: 1000, TokensPerSecond: 500,
	}
}

// write puts the fixture into a folder of that name.
func (f *fixture) write(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	folder, err := record.Create(dir)
	check(t, err)
	check(t, os.WriteFile(folder.Path("config.toml"), []byte(f.config), 0o644))
	if f.manifest != nil {
		check(t, folder.WriteJSON("manifest.json", f.manifest))
	}
	if f.plan != nil {
		check(t, folder.WriteJSON("plan.json", f.plan))
	}
	if f.summary != nil {
		check(t, folder.WriteJSON("summary.json", f.summary))
	}
	if f.metrics != nil {
		check(t, record.WriteJSONL(folder, "metrics.jsonl", f.metrics))
	}
	if f.rows != nil {
		check(t, folder.WriteJSON("sources.json", f.rows))
	}
	for _, s := range f.steps {
		check(t, folder.WriteJSON(record.StepDir(s.Step)+"/step.json", s))
	}
	for model, rows := range f.heldout {
		check(t, record.WriteJSONL(folder, "eval/"+model+"/heldout-held.jsonl", rows))
	}
	return dir
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// render writes the page of the folders and parses it.
func render(t *testing.T, dirs ...string) (*html.Node, string) {
	t.Helper()
	var out bytes.Buffer
	check(t, write(&out, "/", dirs))
	doc, err := html.Parse(bytes.NewReader(out.Bytes()))
	check(t, err)
	return doc, out.String()
}

// elements lists the elements of that name, in the document's order.
func elements(doc *html.Node, name string) []*html.Node {
	var out []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			out = append(out, n)
		}
	}
	return out
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// words is an element's text with its white space made single.
func words(n *html.Node) string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			out.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// cellsOf lists the rows of all tables as texts.
func cellsOf(doc *html.Node) [][]string {
	var rows [][]string
	for _, tr := range elements(doc, "tr") {
		var row []string
		for _, td := range elements(tr, "td") {
			row = append(row, words(td))
		}
		rows = append(rows, row)
	}
	return rows
}
