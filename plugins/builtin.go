package plugins

import (
	"fmt"
	"maps"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
)

// Builtins is what a host's own binary serves when it is started again.
type Builtins struct {
	Version      string // of all of them; empty = that of the main module
	Backends     map[string]core.Backend
	Partitioners map[string]func(core.Options) (core.Partitioner, error)
	Evaluators   map[string]func(core.Options) (core.Evaluator, error)
}

// names lists kinds and names, sorted.
func (b Builtins) names() []Info {
	var infos []Info
	for _, name := range slices.Sorted(maps.Keys(b.Backends)) {
		infos = append(infos, Info{Kind: KindBackend, Name: name})
	}
	for _, name := range slices.Sorted(maps.Keys(b.Partitioners)) {
		infos = append(infos, Info{Kind: KindPartitioner, Name: name})
	}
	for _, name := range slices.Sorted(maps.Keys(b.Evaluators)) {
		infos = append(infos, Info{Kind: KindEvaluator, Name: name})
	}
	return infos
}

// ServeBuiltin serves one of b to the host that has started this process, and
// returns when the host is done with it.
func ServeBuiltin(kind Kind, name string, b Builtins) error {
	s, err := b.service(kind, name)
	if err != nil {
		return err
	}
	s.version = b.Version
	return serve(s)
}

func (b Builtins) service(kind Kind, name string) (*service, error) {
	if err := CheckName(kind, name); err != nil {
		return nil, err
	}
	if backend := b.Backends[name]; kind == KindBackend && backend != nil {
		return backendService(backend), nil
	}
	if new := b.Partitioners[name]; kind == KindPartitioner && new != nil {
		return partitionerService(new), nil
	}
	if new := b.Evaluators[name]; kind == KindEvaluator && new != nil {
		return evaluatorService(new), nil
	}
	return nil, fmt.Errorf("no %s %q is built in", kind, name)
}
