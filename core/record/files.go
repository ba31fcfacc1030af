package record

import (
	"encoding/json"
	"fmt"
	"math"
)

// Manifest is manifest.json: what the run was made from.
type Manifest struct {
	Version   string                `json:"version"`
	Seed      int64                 `json:"seed"`
	Started   string                `json:"started"` // RFC 3339
	Model     Hashed                `json:"model"`
	Reference *Hashed               `json:"reference,omitempty"` // nil where it is no model of its own
	Sources   map[string]Hashed     `json:"sources"`
	Plugins   map[string]PluginUsed `json:"plugins"` // "backend-gorgonia" -> ...
	Machine   Machine               `json:"machine"`
	Backend   BackendUsed           `json:"backend"`
}

// Hashed is a file or folder with the sha256 of its content, in hex.
type Hashed struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// PluginUsed is a plugin's binary.
type PluginUsed struct {
	Hashed
	Version string `json:"version"`
	BuiltIn bool   `json:"built_in"`
}

// Machine is where the run ran.
type Machine struct {
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	CPUs     int    `json:"cpus"`
	Hostname string `json:"hostname"`
}

// BackendUsed is the backend with its settings.
type BackendUsed struct {
	Name    string         `json:"name"`
	DType   string         `json:"dtype"`
	Options map[string]any `json:"options"`
}

// Plan is plan.json: how the pairs are distributed over the steps.
type Plan struct {
	Strategy string     `json:"strategy"`
	Steps    []PlanStep `json:"steps"`
}

// PlanStep is one step of a Plan.
type PlanStep struct {
	Step    int          `json:"step"`
	Sources []PlanSource `json:"sources"`
	Pairs   int          `json:"pairs"`
}

// PlanSource is a source's share of a step, as the base model scores it; the
// scores are absent where the strategy asked for none.
type PlanSource struct {
	Name           string   `json:"name"`
	Pairs          int      `json:"pairs"`
	RewardAccuracy *float64 `json:"reward_accuracy,omitempty"` // share of pairs with gamma > 0
	GammaMean      *float64 `json:"gamma_mean,omitempty"`      // nats
}

// StepPairs is a line of partition.jsonl: the pairs of a step as [source,
// pair] indices in the configuration's order.
type StepPairs struct {
	Step  int      `json:"step"`
	Pairs [][2]int `json:"pairs"`
}

// PairScore is a line of step-T/reference.jsonl and of eval/NAME/heldout: the
// log-probabilities of a pair's completions in nats.
type PairScore struct {
	Source         string  `json:"source"`
	Pair           int     `json:"pair"`
	Chosen         float64 `json:"chosen"`
	Rejected       float64 `json:"rejected"`
	ChosenTokens   int     `json:"chosen_tokens"`
	RejectedTokens int     `json:"rejected_tokens"`
	Key            string  `json:"key"` // hash of weights, ids and numerics
}

// StepResult is step-T/step.json.
type StepResult struct {
	Step           int        `json:"step"`
	Sources        []string   `json:"sources"`
	Pairs          int        `json:"pairs"`
	Updates        int        `json:"updates"`
	Gamma          GammaMeans `json:"gamma_ref"`
	RewardAccuracy float64    `json:"reward_accuracy"`
	Loss           FirstLast  `json:"loss"`
	ModelHash      string     `json:"model_sha256"`
	Seconds        float64    `json:"seconds"`
}

// GammaMeans are the means of gamma over pairs, in nats.
type GammaMeans struct {
	Mean     float64 `json:"mean"`
	PerToken float64 `json:"per_token"`
}

// FirstLast are the losses of a step's first and last update.
type FirstLast struct {
	First float64 `json:"first"`
	Last  float64 `json:"last"`
}

// Summary is summary.json.
type Summary struct {
	Models []ModelSummary `json:"models"`
}

// ModelSummary is what was measured of S or an M_t.
type ModelSummary struct {
	Name    string                       `json:"name"`
	Gamma   map[string]Gamma             `json:"gamma"`
	Heldout map[string]Heldout           `json:"heldout"`
	Eval    map[string]map[string]Number `json:"eval"`
	// EvalStdErr are the standard errors of what Eval holds, where there are any.
	EvalStdErr map[string]map[string]Number `json:"eval_stderr,omitempty"`
}

// Gamma describes gamma = logp(chosen) - logp(rejected) over a source.
type Gamma struct {
	Mean           float64 `json:"mean"`
	PerToken       float64 `json:"per_token"`
	LengthMatched  Number  `json:"length_matched"` // over pairs whose lengths differ by at most 10 %
	RewardAccuracy float64 `json:"reward_accuracy"`
	Pairs          int     `json:"pairs"`
}

// Heldout is the loss on held-out pairs with S as the reference.
type Heldout struct {
	Loss            float64 `json:"loss"`
	Accuracy        float64 `json:"accuracy"`
	Margin          float64 `json:"margin"`
	RewardsChosen   float64 `json:"rewards/chosen"`
	RewardsRejected float64 `json:"rewards/rejected"`
}

// Number is a float64 whose NaN is JSON's null.
type Number float64

// MarshalJSON writes null for a NaN.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads null as NaN.
func (n *Number) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	return json.Unmarshal(raw, (*float64)(n))
}

// ModelName is S for the base and M1, M2, ... for what the steps made.
func ModelName(t int) string {
	if t == 0 {
		return "S"
	}
	return fmt.Sprintf("M%d", t)
}

// Set stores m in place of a model of the same name, or at the end.
func (s *Summary) Set(m ModelSummary) {
	for i := range s.Models {
		if s.Models[i].Name == m.Name {
			s.Models[i] = m
			return
		}
	}
	s.Models = append(s.Models, m)
}

// Find returns the model called name.
func (s *Summary) Find(name string) (ModelSummary, bool) {
	for _, m := range s.Models {
		if m.Name == name {
			return m, true
		}
	}
	return ModelSummary{}, false
}
