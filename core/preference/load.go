package preference

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"

	"github.com/stepwise-dpo/stepwise/core"
)

// Spec names a source: a file and what to take of it.
type Spec struct {
	Name         string
	Path         string
	Format       string  // of Formats; empty: recognised from the first row
	Limit        int     // read the first so many pairs, those dropped among them; 0 = all
	EvalFraction float64 // share of the pairs to hold out, in [0, 1)
}

// check refuses values that mean nothing.
func (s Spec) check() error {
	if s.Limit < 0 {
		return fmt.Errorf("limit: %d is negative; 0 takes all pairs", s.Limit)
	}
	if !(s.EvalFraction >= 0 && s.EvalFraction < 1) {
		return fmt.Errorf("eval_fraction: %v is not in [0, 1)", s.EvalFraction)
	}
	return nil
}

// Load reads the source, encodes its pairs in parallel and holds some of them
// out. Pairs are in the file's order. The same file, encoder and seed give the
// same result. An error names source, file, row and field; a row that cannot be
// used but is well formed is dropped and counted in the report instead. A source
// of which no pair is left is an error.
func Load(ctx context.Context, s Spec, enc *Encoder, seed int64) (train, heldout core.Source, r Report, err error) {
	pairs, rows, r, err := load(ctx, s, enc)
	if err != nil {
		return train, heldout, r, fmt.Errorf("source %q: %w", s.Name, err)
	}
	train, heldout = core.Source{Name: s.Name}, core.Source{Name: s.Name}
	out := holdOut(pairs, s, seed)
	for i, p := range pairs {
		if out[i] {
			heldout.Pairs = append(heldout.Pairs, p)
		} else {
			train.Pairs = append(train.Pairs, p)
			r.TrainRows = append(r.TrainRows, rows[i])
		}
	}
	r.Train, r.Heldout = len(train.Pairs), len(heldout.Pairs)
	return train, heldout, r, nil
}

// load returns the kept pairs of the source and the rows that they came from.
func load(ctx context.Context, s Spec, enc *Encoder) (pairs []core.Pair, rows []int, r Report, err error) {
	t := newTally(s, enc)
	if err := s.check(); err != nil {
		return nil, nil, t.report(), err
	}
	for x, err := range encodeRows(ctx, s, enc) {
		if err != nil {
			return nil, nil, t.report(), err
		}
		if x.refused != nil {
			return nil, nil, t.report(), fmt.Errorf("%q: %v: %w", s.Path, x.place, x.refused)
		}
		t.add(x.encoded)
		t.format = x.format
		if x.fate == kept {
			pairs = append(pairs, x.pair)
			rows = append(rows, t.r.Rows-1)
		}
		if s.Limit > 0 && t.pairs() == s.Limit {
			break
		}
	}
	r = t.report()
	if len(pairs) == 0 {
		return nil, nil, r, fmt.Errorf("%q: %w", s.Path, r.nothingLeft())
	}
	return pairs, rows, r, nil
}

// located is an encoded row and where it stands.
type located struct {
	encoded
	place   place
	format  string
	refused error // see Encoder.encode
}

// encodeRows yields the file's rows, encoded in parallel, in order.
func encodeRows(ctx context.Context, s Spec, enc *Encoder) iter.Seq2[located, error] {
	return func(yield func(located, error) bool) {
		rows, f, err := openRows(s)
		if err != nil {
			yield(located{}, fmt.Errorf("%q: %w", s.Path, err))
			return
		}
		encodeRow := func(r row) (located, error) { return enc.encodeRow(r, f) }
		for x, err := range orderedMap(ctx, runtime.GOMAXPROCS(0), rows, encodeRow) {
			if err != nil {
				err = fmt.Errorf("%q: %w", s.Path, err)
			}
			if !yield(x, err) {
				return
			}
		}
	}
}

// openRows returns the file's rows and their format.
func openRows(s Spec) (iter.Seq2[row, error], format, error) {
	rows := readRows(s.Path)
	for first, err := range rows {
		if err != nil {
			return nil, format{}, err
		}
		v, err := first.decode()
		if err != nil {
			return nil, format{}, fmt.Errorf("%v: %w", first.place, err)
		}
		f, err := findFormat(s.Format, v)
		if err != nil {
			return nil, format{}, err
		}
		return rows, f, nil
	}
	return nil, format{}, errors.New("the file holds no rows")
}

// encodeRow decodes, parses and encodes one row. The error is of a row that
// cannot be read.
func (e *Encoder) encodeRow(r row, f format) (located, error) {
	out := located{place: r.place, format: f.name}
	x, err := e.parseRow(r, f)
	switch {
	case errors.Is(err, errTie):
		out.fate = tied
	case errors.Is(err, errNoPrompt):
		out.fate = noPrompt
	case err != nil:
		return out, fmt.Errorf("%v: %w", r.place, err)
	default:
		out.encoded, out.refused = e.encode(x)
	}
	return out, nil
}

func (e *Encoder) parseRow(r row, f format) (example, error) {
	v, err := r.decode()
	if err != nil {
		return nil, err
	}
	return f.parse(v, e.target())
}
