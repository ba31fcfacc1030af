package multiplechoice

import (
	"fmt"
	"reflect"

	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// An evaluation's documents in order, each with the shots before it.
type drawn struct {
	docs  []py.Object
	shots [][]py.Object // one list for each document
}

// draw orders and limits the documents and draws the shots of each from the
// pool, as the preset's lm-eval does.
func draw(p Preset, d *Definition, docs, pool []py.Object, limit Limit, seed int64) (drawn, error) {
	if p == Leaderboard {
		return drawLeaderboard(d, docs, pool, limit, seed)
	}
	return drawCurrent(d, docs, pool, limit, seed)
}

// drawCurrent is lm-eval 0.4.13: documents in the data's order, a generator of
// its own for each task, one draw for each document (api/samplers.py).
func drawCurrent(d *Definition, docs, pool []py.Object, limit Limit, seed int64) (drawn, error) {
	docs = docs[:limit.of(len(docs), true)]
	out := drawn{docs: docs, shots: make([][]py.Object, len(docs))}
	rnd := py.NewRandom(seed)
	for i, doc := range docs {
		var err error
		if out.shots[i], err = sampleCurrent(rnd, d, doc, pool); err != nil {
			return drawn{}, fmt.Errorf("task %q: shots of document %d: %w", d.Task, i, err)
		}
	}
	return out, nil
}

func sampleCurrent(rnd *py.Random, d *Definition, doc py.Object, pool []py.Object) ([]py.Object, error) {
	k := shots(d)
	switch {
	case k == 0:
		return nil, nil
	case d.Sampler == "first_n":
		if d.poolHoldsDoc() {
			pool = without(pool, doc)
		}
		return firstOf(pool, k)
	case !d.poolHoldsDoc():
		return pickFrom(rnd, pool, k)
	}
	picked, err := pickFrom(rnd, pool, k+1)
	if err != nil {
		return nil, err
	}
	if picked = without(picked, doc); len(picked) >= k {
		return picked[:k], nil
	}
	return pickFrom(rnd, without(pool, doc), k)
}

// drawLeaderboard is commit b281b0921: one generator shuffles the documents and
// then draws the shots of each (evaluator.py, base.py). The limit is taken after
// the shuffle.
func drawLeaderboard(d *Definition, docs, pool []py.Object, limit Limit, seed int64) (drawn, error) {
	rnd := py.NewRandom(seed)
	order := rnd.Perm(len(docs))
	n := limit.of(len(docs), false)
	out := drawn{docs: make([]py.Object, n), shots: make([][]py.Object, n)}
	for i := range n {
		doc := docs[order[i]]
		out.docs[i] = doc
		var err error
		if out.shots[i], err = sampleLeaderboard(rnd, d, doc, pool); err != nil {
			return drawn{}, fmt.Errorf("task %q: shots of document %d: %w", d.Task, i, err)
		}
	}
	return out, nil
}

func sampleLeaderboard(rnd *py.Random, d *Definition, doc py.Object, pool []py.Object) ([]py.Object, error) {
	k := shots(d)
	switch {
	case k == 0:
		return nil, nil
	case d.Sampler == "first_n":
		return pool[:min(k, len(pool))], nil
	case d.TrainingSplit != "":
		return pickFrom(rnd, pool, k)
	}
	picked, err := pickFrom(rnd, pool, k+1)
	if err != nil {
		return nil, err
	}
	picked = without(picked, doc)
	return picked[:min(k, len(picked))], nil
}

func pickFrom(rnd *py.Random, pool []py.Object, k int) ([]py.Object, error) {
	indices, err := rnd.Sample(len(pool), k)
	if err != nil {
		return nil, err
	}
	picked := make([]py.Object, k)
	for i, j := range indices {
		picked[i] = pool[j]
	}
	return picked, nil
}

func firstOf(pool []py.Object, k int) ([]py.Object, error) {
	if k > len(pool) {
		return nil, fmt.Errorf("%d shots are asked for and the pool holds %d", k, len(pool))
	}
	return pool[:k], nil
}

// without returns the documents that differ from doc.
func without(docs []py.Object, doc py.Object) []py.Object {
	var rest []py.Object
	for _, d := range docs {
		if !reflect.DeepEqual(d, doc) {
			rest = append(rest, d)
		}
	}
	return rest
}
