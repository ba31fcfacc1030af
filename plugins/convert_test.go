//go:build unix

package plugins

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

func TestChunks(t *testing.T) {
	texts := func(sizes ...int) []*pb.Text {
		var out []*pb.Text
		for _, n := range sizes {
			out = append(out, &pb.Text{Prompt: strings.Repeat("x", n)})
		}
		return out
	}
	for _, c := range []struct {
		name string
		rows []*pb.Text
		want []int // rows a chunk
	}{
		{"none", nil, []int{0}},
		{"small ones together", texts(1, 2, 3), []int{3}},
		{"cut when full", texts(chunkBytes/2, chunkBytes/2+1, 5), []int{2, 1}},
		{"a big one alone", texts(3*chunkBytes, 5, 3*chunkBytes), []int{1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sizes []int
			var rows []*pb.Text
			lasts := 0
			for chunk, last := range chunks(c.rows) {
				sizes, rows = append(sizes, len(chunk)), append(rows, chunk...)
				if last {
					lasts++
				}
			}
			if !slices.Equal(sizes, c.want) || !slices.Equal(rows, c.rows) || lasts != 1 {
				t.Errorf("chunks of %v rows, %d of them last; want %v", sizes, lasts, c.want)
			}
		})
	}
}

// A forecast with every field set comes back as it was.
func TestForecastIsKept(t *testing.T) {
	want := core.Forecast{PeakBytes: 1, AvailableBytes: 2, TokensPerSecond: 3.5, PeakFLOPS: 4.5, Recompute: true}
	for i, v := 0, reflect.ValueOf(want); i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("the test does not set %s", v.Type().Field(i).Name)
		}
	}
	if got := fromForecast(toForecast(want)); got != want {
		t.Errorf("forecast %+v, want %+v", got, want)
	}
}

// Sources and steps of any size are cut, keep their order, and may be empty.
func TestSourcesAndStepsAreCut(t *testing.T) {
	pair := core.Pair{Prompt: strings.Repeat("x", chunkBytes/3), ChosenIDs: []int32{1}, RejectedIDs: []int32{2}}
	sources := []core.Source{{Name: "a", Pairs: slices.Repeat([]core.Pair{pair}, 10)}, {Name: "empty"}, {Name: "b", Pairs: []core.Pair{{}}}}
	rows := toSources(sources)
	if len(rows) < 5 {
		t.Errorf("%d rows", len(rows))
	}
	for _, row := range rows {
		if n := proto.Size(row); n > 2*chunkBytes {
			t.Errorf("a row of %d bytes", n)
		}
	}
	in := &stepsInput{}
	refs := slices.Repeat([]core.PairRef{{Source: 1 << 30, Pair: 1 << 30}}, 200_000)
	err := in.add(&pb.Steps{Rows: toSteps([]core.Step{{Pairs: refs}, {}, {Pairs: refs[:1]}}), Last: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(in.steps) != 3 || len(in.steps[0].Pairs) != len(refs) || len(in.steps[1].Pairs) != 0 || len(in.steps[2].Pairs) != 1 {
		t.Errorf("%d steps came back", len(in.steps))
	}
	wantText(t, in.add(&pb.Steps{Rows: []*pb.Step{{Index: 7}}}), "step 7 came after 3 steps")
	in = &stepsInput{}
	wantText(t, in.add(&pb.Steps{Rows: []*pb.Step{{Index: -1}}}), "step -1 came after 0 steps")
}
