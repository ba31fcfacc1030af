package plugins

import (
	"context"

	"google.golang.org/grpc"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

// Evaluator is a core.Evaluator in a process of its own.
type Evaluator struct {
	*Plugin
	client pb.EvaluatorClient
}

var _ core.Evaluator = (*Evaluator)(nil)

// newEvaluator configures the evaluator of a running plugin.
func newEvaluator(ctx context.Context, p *Plugin, o core.Options) (*Evaluator, error) {
	client := pb.NewEvaluatorClient(p.conn)
	return &Evaluator{p, client}, p.configure(ctx, client, o)
}

// Evaluate implements core.Evaluator.
func (e *Evaluator) Evaluate(ctx context.Context, s core.Scorer, dir string) ([]core.Metric, error) {
	dir, err := absolute(dir)
	if err != nil {
		return nil, err
	}
	call, cancel := e.begin(ctx)
	defer cancel()
	stream, err := e.client.Evaluate(call)
	if err != nil {
		return nil, e.mapError(ctx, err)
	}
	host := &scorerHost{scorer: s, answer: func(a *pb.ScorerAnswer) error {
		return stream.Send(&pb.EvaluateRequest{Request: &pb.EvaluateRequest_Scorer{Scorer: a}})
	}}
	var metrics []core.Metric
	last := false
	start := &pb.EvaluateRequest_Start{Start: &pb.EvaluateStart{Dir: dir}}
	err = sent(stream.Send(&pb.EvaluateRequest{Request: start}))
	if err == nil {
		err = receiveAll(stream.Recv, func(a *pb.EvaluateAnswer) error {
			switch a := a.GetAnswer().(type) {
			case *pb.EvaluateAnswer_Report:
				forward(ctx, a.Report)
			case *pb.EvaluateAnswer_Call:
				return sent(host.handle(call, a.Call))
			case *pb.EvaluateAnswer_Metrics:
				metrics = append(metrics, convert(a.Metrics.GetRows(), fromMetric)...)
				last = a.Metrics.GetLast()
			}
			return nil
		})
	}
	if err == nil && !last {
		err = errEarly
	}
	if err != nil {
		return nil, host.restore(e.mapError(ctx, err))
	}
	return metrics, nil
}

// evaluatorServer serves an author's evaluator.
type evaluatorServer struct {
	pb.UnimplementedEvaluatorServer
	configured[core.Evaluator]
}

// Configure implements pb.EvaluatorServer.
func (s *evaluatorServer) Configure(_ context.Context, r *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	return &pb.ConfigureResponse{}, s.configure(r.GetOptions())
}

// Evaluate implements pb.EvaluatorServer.
func (s *evaluatorServer) Evaluate(stream grpc.BidiStreamingServer[pb.EvaluateRequest, pb.EvaluateAnswer]) error {
	evaluator, err := s.get()
	if err != nil {
		return err
	}
	start, err := stream.Recv()
	if err != nil {
		return err
	}
	out := &sender[*pb.EvaluateAnswer]{send: stream.Send}
	defer out.close()
	ctx := withReports(stream.Context(), func(r *pb.Report) error {
		return out.Send(&pb.EvaluateAnswer{Answer: &pb.EvaluateAnswer_Report{Report: r}})
	})
	metrics, err := evaluator.Evaluate(ctx, &remoteScorer{
		call: stream.Context(),
		ask: func(c *pb.ScorerCall) error {
			return out.Send(&pb.EvaluateAnswer{Answer: &pb.EvaluateAnswer_Call{Call: c}})
		},
		hear: func() (*pb.ScorerAnswer, error) {
			r, err := stream.Recv()
			return r.GetScorer(), err
		},
	}, start.GetStart().GetDir())
	if err != nil {
		return err
	}
	for rows, last := range chunks(convert(metrics, toMetric)) {
		message := &pb.Metrics{Rows: rows, Last: last}
		if err := out.Send(&pb.EvaluateAnswer{Answer: &pb.EvaluateAnswer_Metrics{Metrics: message}}); err != nil {
			return err
		}
	}
	return nil
}
