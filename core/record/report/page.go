package report

import (
	"fmt"
	"html/template"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stepwise-dpo/stepwise/core/record"
)

// page is what page.html shows.
type page struct {
	Style   template.CSS
	Title   string
	Date    string
	Facts   []fact // of the run, or what the runs have in common
	Several *several
	Charts  []chart
	Legend  []legend // the groups' colours
	Thinned bool
	Smooth  bool
	Runs    []runView
}

// several is the comparison of runs.
type several struct {
	Differ string // the settings in which the runs differ
	Table  table
	Notes  []note
}

// runView is a run's part of the page.
type runView struct {
	ID, Name                  string
	Facts                     []fact
	Heldout, Evals, Partition table
	Notes                     []note
	Charts                    []chart
	Provenance                []fact
	Links                     []link
	Config                    string
}

// fact is a name with its value. Small is a detail of it.
type fact struct{ Name, Value, Small string }

// link leads to a file of a run.
type link struct {
	Address template.URL
	Text    string
}

func newPage(runs []*run, from string) (*page, error) {
	p := &page{Style: template.CSS(pageStyle), Title: runs[0].name, Date: dates(runs)}
	groups, keys := groupsOf(runs)
	var err error
	if p.Charts, err = chartsOf(groups); err != nil {
		return nil, err
	}
	for _, r := range runs {
		p.Thinned = p.Thinned || len(r.metrics) > pointsOfChart/len(runs)
		p.Smooth = p.Smooth || len(r.metrics) >= smoothFrom
	}
	for i, r := range runs {
		v, err := newRunView(r, fmt.Sprintf("run-%d", i+1), from)
		if err != nil {
			return nil, err
		}
		p.Runs = append(p.Runs, v)
	}
	if len(runs) == 1 {
		p.Facts = p.Runs[0].Facts
		return p, nil
	}
	p.Title = fmt.Sprintf("%d runs compared", len(runs))
	p.Facts = common(p.Runs)
	for i, g := range groups {
		p.Legend = append(p.Legend, legend{i, g.label})
	}
	measures := measuresOf(runs)
	p.Several = &several{strings.Join(keys, ", "), comparisonTable(groups, measures), comparisonNotes(groups, measures)}
	return p, nil
}

// Variable is the legend's colour in page.css.
func (l legend) Variable() template.CSS {
	return template.CSS(fmt.Sprintf("var(--line%d)", l.Color%palette))
}

func newRunView(r *run, id, from string) (runView, error) {
	charts, err := modelCharts(r)
	return runView{
		ID: id, Name: r.name, Facts: facts(r), Notes: notesOf(r), Charts: charts,
		Heldout: heldoutTable(r), Evals: evalTable(r), Partition: partitionTable(r),
		Provenance: provenance(r), Links: runLinks(r, from), Config: r.config,
	}, err
}

// dates is when the runs started, the first and the last.
func dates(runs []*run) string {
	var days []string
	for _, r := range runs {
		if t, err := time.Parse(time.RFC3339, r.manifest.Started); err == nil {
			days = append(days, t.UTC().Format("2006-01-02 15:04 UTC"))
		}
	}
	if len(days) == 0 {
		return ""
	}
	slices.Sort(days)
	if first, last := days[0], days[len(days)-1]; first != last {
		return first + " to " + last
	}
	return days[0]
}

func facts(r *run) []fact {
	s, m := r.settings, r.manifest
	out := []fact{
		{"model", s["model.path"], shortHash(m.Model.SHA256)},
		{"backend", s["backend.name"], s["backend.dtype"]},
		{"strategy", s["partition.strategy"], "T = " + fmt.Sprint(r.T())},
		{"seed", s["run.seed"], ""},
		{"loss", s["train.loss_type"], withName("beta", s["train.beta"])},
		{"reference", s["train.reference"], "target starts as " + s["train.target_init"]},
		{"learning rate", s["train.learning_rate"], s["train.lr_scheduler_type"] + ", warm-up " + s["train.warmup_ratio"]},
		{"optimizer", s["train.optim"], withName("weight decay", s["train.weight_decay"])},
		{"batch", s["train.batch_size"] + " pairs", s["train.num_train_epochs"] + " epochs a step"},
		{"tokens", "at most " + s["train.max_length"], s["train.tokenization"]},
		{"version", "stepwise " + m.Version, ""},
	}
	if done := progress(r); done != (fact{}) {
		out = append(out, done)
	}
	return slices.DeleteFunc(out, func(f fact) bool { return f.Value == "" })
}

func withName(name, value string) string {
	if value == "" {
		return ""
	}
	return name + " " + value
}

// progress says how much was trained and how fast.
func progress(r *run) fact {
	if len(r.metrics) == 0 {
		return fact{}
	}
	var tokens, seconds float64
	for _, m := range r.metrics {
		tokens += float64(m.Tokens)
		if m.TokensPerSecond > 0 {
			seconds += float64(m.Tokens) / m.TokensPerSecond
		}
	}
	f := fact{Name: "training", Value: plural(len(r.metrics), "update")}
	if seconds > 0 {
		f.Small = fmt.Sprintf("%s tokens in %s, %s a second", thousands(int(tokens)), duration(seconds), thousands(int(tokens/seconds)))
	}
	return f
}

// common keeps the facts that all runs share.
func common(runs []runView) []fact {
	out := slices.Clone(runs[0].Facts)
	return slices.DeleteFunc(out, func(f fact) bool {
		return slices.ContainsFunc(runs, func(r runView) bool { return !slices.Contains(r.Facts, f) })
	})
}

// provenance lists what the run was made from, with hashes.
func provenance(r *run) []fact {
	m := r.manifest
	var out []fact
	if m.Machine.OS != "" {
		out = append(out, fact{"machine", fmt.Sprintf("%s, %s/%s", m.Machine.Hostname, m.Machine.OS, m.Machine.Arch), plural(m.Machine.CPUs, "core")})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Sources)) {
		out = append(out, fact{"data: " + name, m.Sources[name].Path, shortHash(m.Sources[name].SHA256)})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Plugins)) {
		p := m.Plugins[name]
		where := p.Path
		if p.BuiltIn {
			where = "built in"
		}
		out = append(out, fact{name, strings.TrimSpace(where + " " + p.Version), shortHash(p.SHA256)})
	}
	for _, s := range r.steps {
		out = append(out, fact{"weights of " + record.ModelName(s.Step), fmt.Sprintf("step-%d/model", s.Step), shortHash(s.ModelHash)})
	}
	return out
}

// runLinks leads to what the folder has.
func runLinks(r *run, from string) []link {
	names := []string{"config.toml", "manifest.json", "plan.json", "metrics.jsonl", "summary.json"}
	for _, s := range r.plan.Steps {
		names = append(names, fmt.Sprintf("step-%d/model", s.Step))
	}
	for _, m := range r.summary.Models {
		names = append(names, "eval/"+m.Name)
	}
	var out []link
	for _, name := range append(names, "tb") {
		if r.folder.Has(name) {
			out = append(out, link{address(from, r.folder.Path(name)), name})
		}
	}
	return out
}

// address leads from a page in the folder from, an absolute path, to a file.
func address(from, path string) template.URL {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	rel, err := filepath.Rel(from, path)
	if err != nil { // another drive
		return template.URL((&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String())
	}
	// "./" keeps a name with a colon from being read as a scheme.
	return template.URL("./" + (&url.URL{Path: filepath.ToSlash(rel)}).EscapedPath())
}
