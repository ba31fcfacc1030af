//go:build unix

package plugins

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest"
)

// An error that an author wraps keeps its identity and its text.
func TestTypedErrorsCross(t *testing.T) {
	for _, want := range []error{core.ErrNotFinite, core.ErrUnsupported, fs.ErrNotExist, context.Canceled, context.DeadlineExceeded} {
		cause := fmt.Errorf("pair 7: %w", want)
		fails := evaluateFunc(func(context.Context, core.Scorer, string) ([]core.Metric, error) { return nil, cause })
		p := inProcess(t, evaluatorService(func(core.Options) (core.Evaluator, error) { return fails, nil }))
		e, err := newEvaluator(t.Context(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Evaluate(t.Context(), newScorer(), "")
		if !errors.Is(err, want) || err.Error() != `evaluator "memory": `+cause.Error() {
			t.Errorf("error %q, want one that is %q", err, want)
		}
	}
}

// A status of a server that the author asks says nothing of the plugin, which
// lives and has what is called.
func TestStatusesOfTheAuthorsOwn(t *testing.T) {
	for _, code := range []codes.Code{codes.Unavailable, codes.Unimplemented, codes.Canceled} {
		judge := status.Error(code, "the judge is out")
		fails := evaluateFunc(func(context.Context, core.Scorer, string) ([]core.Metric, error) { return nil, judge })
		p := inProcess(t, evaluatorService(func(core.Options) (core.Evaluator, error) { return fails, nil }))
		e, err := newEvaluator(t.Context(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Evaluate(t.Context(), newScorer(), "")
		if errors.Is(err, ErrPluginExited) || errors.Is(err, core.ErrUnsupported) || err == nil || err.Error() != `evaluator "memory": `+judge.Error() {
			t.Errorf("error %v, want that of the judge", err)
		}
	}
}

// hostError is a type of the host's that no protocol knows.
type hostError struct{ code int }

func (hostError) Error() string { return "the disk is full" }

type failingScorer struct{ core.Scorer }

func (failingScorer) LogProbs(context.Context, []core.Item, core.Detail) ([][]core.Score, error) {
	return nil, hostError{7}
}

// The host's own error goes through the plugin and comes back as it was.
func TestHostErrorComesBack(t *testing.T) {
	onRungs(t, func(t *testing.T, r rung) {
		_, err := r.partitioner(t, "by-gamma", nil).Partition(t.Context(), coretest.Sources(), failingScorer{})
		var own hostError
		if !errors.As(err, &own) || own.code != 7 {
			t.Errorf("error %#v, want the host's own", err)
		}
		wantText(t, err, `source "colours": the disk is full`)
	})
}

func TestOptionsAreRefusedBeforeAnyWork(t *testing.T) {
	onRungs(t, func(t *testing.T, r rung) {
		_, err := newPartitioner(t.Context(), r.open(t, KindPartitioner, "by-gamma"), core.Options{"speed": 9})
		wantText(t, err, `unknown option "speed"`, "ascending")
	})
}

func TestMissingModelIsNotExist(t *testing.T) {
	onRungs(t, func(t *testing.T, r rung) {
		_, err := r.backend(t, "tiny").Open(t.Context(), filepath.Join(t.TempDir(), "none"), core.OpenOptions{DType: "float32"})
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("error %v, want os.ErrNotExist", err)
		}
	})
}

// onlyBackend hides the optional interfaces of a backend.
type onlyBackend struct{ core.Backend }

func TestForecastUnsupported(t *testing.T) {
	b := newBackend(inProcess(t, backendService(onlyBackend{coretest.Backend{}})))
	_, err := b.Forecast(t.Context(), "anywhere", core.OpenOptions{}, core.Workload{})
	if !errors.Is(err, core.ErrUnsupported) {
		t.Errorf("error %v, want core.ErrUnsupported", err)
	}
}

func TestClosedModel(t *testing.T) {
	onRungs(t, func(t *testing.T, r rung) {
		path := t.TempDir()
		if err := coretest.WriteModel(path, 40, 5, 1); err != nil {
			t.Fatal(err)
		}
		b := r.backend(t, "tiny")
		m, err := b.Open(t.Context(), path, core.OpenOptions{DType: "float32"})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = m.LogProbs(t.Context(), nil, core.Detail{})
		wantText(t, err, "the model is closed")
	})
}

func TestInvalidTextIsAnError(t *testing.T) {
	sources := []core.Source{{Name: "bad", Pairs: []core.Pair{{Prompt: "\xff"}}}}
	onRungs(t, func(t *testing.T, r rung) {
		_, err := r.partitioner(t, "by-gamma", nil).Partition(t.Context(), sources, newScorer())
		wantText(t, err, "invalid UTF-8")
	})
}

func TestReportsCross(t *testing.T) {
	onRungs(t, func(t *testing.T, r rung) {
		said := make(notes, 3)
		_, err := r.partitioner(t, "by-gamma", nil).Partition(core.WithReporter(t.Context(), said), coretest.Sources(), newScorer())
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join([]string{<-said, <-said, <-said}, ", "); got != "scored colours, scored numbers, scored places" {
			t.Errorf("notes %q", got)
		}
		done := 0
		ctx := core.WithReporter(t.Context(), progress(func(what string, d, total int) {
			if what != "pairs" {
				return // of the host's model
			}
			if d <= done || total != 12 {
				t.Errorf("progress %d of %d after %d", d, total, done)
			}
			done = d
		}))
		if _, err := r.evaluator(t, "gamma").Evaluate(ctx, newScorer(), ""); err != nil {
			t.Fatal(err)
		}
		if done != 12 {
			t.Errorf("the last progress was %d", done)
		}
	})
}

// progress is a Reporter of progress alone.
type progress func(what string, done, total int)

func (p progress) Progress(what string, done, total int) { p(what, done, total) }
func (progress) Note(string)                             {}
