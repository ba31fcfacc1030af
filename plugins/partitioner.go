package plugins

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

// Partitioner is a core.Partitioner in a process of its own.
type Partitioner struct {
	*Plugin
	client pb.PartitionerClient
}

var _ core.Partitioner = (*Partitioner)(nil)

// newPartitioner configures the partitioner of a running plugin.
func newPartitioner(ctx context.Context, p *Plugin, o core.Options) (*Partitioner, error) {
	client := pb.NewPartitionerClient(p.conn)
	return &Partitioner{p, client}, p.configure(ctx, client, o)
}

// Partition implements core.Partitioner.
func (p *Partitioner) Partition(ctx context.Context, sources []core.Source, base core.Scorer) ([]core.Step, error) {
	call, cancel := p.begin(ctx)
	defer cancel()
	stream, err := p.client.Partition(call)
	if err != nil {
		return nil, p.mapError(ctx, err)
	}
	host := &scorerHost{scorer: base, answer: func(a *pb.ScorerAnswer) error {
		return stream.Send(&pb.PartitionRequest{Request: &pb.PartitionRequest_Scorer{Scorer: a}})
	}}
	plan := &stepsInput{}
	err = sent(sendSources(stream, sources))
	if err == nil {
		err = receiveAll(stream.Recv, func(a *pb.PartitionAnswer) error {
			switch a := a.GetAnswer().(type) {
			case *pb.PartitionAnswer_Report:
				forward(ctx, a.Report)
			case *pb.PartitionAnswer_Call:
				return sent(host.handle(call, a.Call))
			case *pb.PartitionAnswer_Steps:
				return plan.add(a.Steps)
			}
			return nil
		})
	}
	if err == nil && !plan.last {
		err = errEarly
	}
	if err != nil {
		return nil, host.restore(p.mapError(ctx, err))
	}
	return plan.steps, nil
}

func sendSources(stream grpc.BidiStreamingClient[pb.PartitionRequest, pb.PartitionAnswer], sources []core.Source) error {
	for rows, last := range chunks(toSources(sources)) {
		message := &pb.Sources{Rows: rows, Last: last}
		if err := stream.Send(&pb.PartitionRequest{Request: &pb.PartitionRequest_Sources{Sources: message}}); err != nil {
			return err
		}
	}
	return nil
}

// toSources cuts the sources into rows of about a chunk.
func toSources(sources []core.Source) []*pb.Source {
	var rows []*pb.Source
	for i, s := range sources {
		for pairs := range chunks(convert(s.Pairs, toPair)) {
			rows = append(rows, &pb.Source{Index: int64(i), Name: s.Name, Pairs: pairs})
		}
	}
	return rows
}

func toPair(p core.Pair) *pb.Pair {
	return &pb.Pair{
		Prompt: p.Prompt, Chosen: p.Chosen, Rejected: p.Rejected,
		PromptIds: p.PromptIDs, ChosenIds: p.ChosenIDs, RejectedIds: p.RejectedIDs,
	}
}

func fromPair(p *pb.Pair) core.Pair {
	return core.Pair{
		Prompt: p.GetPrompt(), Chosen: p.GetChosen(), Rejected: p.GetRejected(),
		PromptIDs: p.GetPromptIds(), ChosenIDs: p.GetChosenIds(), RejectedIDs: p.GetRejectedIds(),
	}
}

// stepsInput gathers the steps of a plan as they come in.
type stepsInput struct {
	steps []core.Step
	last  bool
}

func (in *stepsInput) add(message *pb.Steps) error {
	in.last = message.GetLast()
	for _, row := range message.GetRows() {
		refs := convert(row.GetPairs(), func(r *pb.PairRef) core.PairRef {
			return core.PairRef{Source: int(r.GetSource()), Pair: int(r.GetPair())}
		})
		switch i := int(row.GetIndex()); {
		case i == len(in.steps):
			in.steps = append(in.steps, core.Step{Pairs: refs})
		case i >= 0 && i == len(in.steps)-1:
			in.steps[i].Pairs = append(in.steps[i].Pairs, refs...)
		default:
			return fmt.Errorf("step %d came after %d steps", i, len(in.steps))
		}
	}
	return nil
}

// partitionerServer serves an author's partitioner.
type partitionerServer struct {
	pb.UnimplementedPartitionerServer
	configured[core.Partitioner]
}

// Configure implements pb.PartitionerServer.
func (s *partitionerServer) Configure(_ context.Context, r *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	return &pb.ConfigureResponse{}, s.configure(r.GetOptions())
}

// Partition implements pb.PartitionerServer.
func (s *partitionerServer) Partition(stream grpc.BidiStreamingServer[pb.PartitionRequest, pb.PartitionAnswer]) error {
	partitioner, err := s.get()
	if err != nil {
		return err
	}
	sources, err := receiveSources(stream)
	if err != nil {
		return err
	}
	out := &sender[*pb.PartitionAnswer]{send: stream.Send}
	defer out.close()
	ctx := withReports(stream.Context(), func(r *pb.Report) error {
		return out.Send(&pb.PartitionAnswer{Answer: &pb.PartitionAnswer_Report{Report: r}})
	})
	steps, err := partitioner.Partition(ctx, sources, &remoteScorer{
		call: stream.Context(),
		ask: func(c *pb.ScorerCall) error {
			return out.Send(&pb.PartitionAnswer{Answer: &pb.PartitionAnswer_Call{Call: c}})
		},
		hear: func() (*pb.ScorerAnswer, error) {
			r, err := stream.Recv()
			return r.GetScorer(), err
		},
	})
	if err != nil {
		return err
	}
	for rows, last := range chunks(toSteps(steps)) {
		message := &pb.Steps{Rows: rows, Last: last}
		if err := out.Send(&pb.PartitionAnswer{Answer: &pb.PartitionAnswer_Steps{Steps: message}}); err != nil {
			return err
		}
	}
	return nil
}

func receiveSources(stream grpc.BidiStreamingServer[pb.PartitionRequest, pb.PartitionAnswer]) ([]core.Source, error) {
	var sources []core.Source
	for {
		r, err := stream.Recv()
		if err != nil {
			return nil, err
		}
		for _, row := range r.GetSources().GetRows() {
			pairs := convert(row.GetPairs(), fromPair)
			switch i := int(row.GetIndex()); i {
			case len(sources):
				sources = append(sources, core.Source{Name: row.GetName(), Pairs: pairs})
			case len(sources) - 1:
				sources[i].Pairs = append(sources[i].Pairs, pairs...)
			default:
				return nil, fmt.Errorf("source %d came after %d sources", i, len(sources))
			}
		}
		if r.GetSources().GetLast() {
			return sources, nil
		}
	}
}

// toSteps cuts the steps into rows of about a chunk.
func toSteps(steps []core.Step) []*pb.Step {
	var rows []*pb.Step
	for i, s := range steps {
		refs := convert(s.Pairs, func(r core.PairRef) *pb.PairRef {
			return &pb.PairRef{Source: int64(r.Source), Pair: int64(r.Pair)}
		})
		for pairs := range chunks(refs) {
			rows = append(rows, &pb.Step{Index: int64(i), Pairs: pairs})
		}
	}
	return rows
}
