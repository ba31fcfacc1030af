package plugins

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

// backendServer serves an author's backend and the models it has opened.
type backendServer struct {
	pb.UnimplementedBackendServer
	backend core.Backend

	mu     sync.Mutex
	models map[uint64]*servedModel
	opened uint64 // how many so far; also the newest model's id
}

// servedModel is a model whose calls are kept from overlapping: a call that the
// host has cancelled may still run when the next one comes in.
type servedModel struct {
	core.Model
	busy chan struct{} // holds a token while a call runs
}

func newBackendServer(b core.Backend) *backendServer {
	return &backendServer{backend: b, models: map[uint64]*servedModel{}}
}

// Check implements pb.BackendServer.
func (s *backendServer) Check(ctx context.Context, r *pb.CheckRequest) (*pb.CheckResponse, error) {
	o, err := fromOpenOptions(r.GetOptions())
	if err != nil {
		return nil, err
	}
	return &pb.CheckResponse{}, s.backend.Check(ctx, o)
}

// Open implements pb.BackendServer.
func (s *backendServer) Open(r *pb.OpenRequest, stream grpc.ServerStreamingServer[pb.BackendAnswer]) error {
	out, ctx := answers(stream)
	defer out.close()
	o, err := fromOpenOptions(r.GetOptions())
	if err != nil {
		return err
	}
	m, err := s.backend.Open(ctx, r.GetPath(), o)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil { // nobody would close it
		return errors.Join(err, m.Close())
	}
	id := s.add(m)
	return out.Send(&pb.BackendAnswer{Answer: &pb.BackendAnswer_Opened{Opened: &pb.Opened{Model: id}}})
}

// Forecast implements pb.BackendServer.
func (s *backendServer) Forecast(r *pb.ForecastRequest, stream grpc.ServerStreamingServer[pb.BackendAnswer]) error {
	out, ctx := answers(stream)
	defer out.close()
	forecaster, ok := s.backend.(core.Forecaster)
	if !ok {
		return fmt.Errorf("a forecast is %w by this backend", core.ErrUnsupported)
	}
	o, err := fromOpenOptions(r.GetOptions())
	if err != nil {
		return err
	}
	f, err := forecaster.Forecast(ctx, r.GetPath(), o, core.Workload{MicroBatch: convert(r.GetMicroBatch(), fromShape)})
	if err != nil {
		return err
	}
	return out.Send(&pb.BackendAnswer{Answer: &pb.BackendAnswer_Forecast{Forecast: toForecast(f)}})
}

// LogProbs implements pb.BackendServer.
func (s *backendServer) LogProbs(stream grpc.BidiStreamingServer[pb.LogProbsRequest, pb.BackendAnswer]) error {
	out, ctx := answers(stream)
	defer out.close()
	var first *pb.LogProbsRequest
	var items []core.Item
	err := receiveAll(stream.Recv, func(r *pb.LogProbsRequest) error {
		if first == nil {
			first = r
		}
		items = append(items, convert(r.GetItems(), fromItem)...)
		return nil
	})
	if err != nil {
		return err
	}
	m, release, err := s.take(ctx, first.GetModel())
	if err != nil {
		return err
	}
	defer release()
	scores, err := m.LogProbs(ctx, items, fromDetail(first.GetDetail()))
	if err != nil {
		return err
	}
	return sendScores(out, scores)
}

// Accumulate implements pb.BackendServer.
func (s *backendServer) Accumulate(stream grpc.BidiStreamingServer[pb.AccumulateRequest, pb.BackendAnswer]) error {
	out, ctx := answers(stream)
	defer out.close()
	var id uint64
	var items []core.Item
	for last := false; !last; {
		r, err := stream.Recv()
		if err != nil {
			return err
		}
		id = r.GetItems().GetModel()
		items = append(items, convert(r.GetItems().GetItems(), fromItem)...)
		last = r.GetItems().GetLast()
	}
	m, release, err := s.take(ctx, id)
	if err != nil {
		return err
	}
	defer release()
	return m.Accumulate(ctx, items, func(scores [][]core.Score) ([][]float64, error) {
		if err := sendScores(out, scores); err != nil {
			return nil, err
		}
		return receiveWeights(stream)
	})
}

// errAbandoned makes a model leave its gradient; the host knows why.
var errAbandoned = errors.New("the host has abandoned the call")

func receiveWeights(stream grpc.BidiStreamingServer[pb.AccumulateRequest, pb.BackendAnswer]) ([][]float64, error) {
	var weights [][]float64
	for {
		r, err := stream.Recv()
		if err != nil {
			return nil, err
		}
		w := r.GetWeights()
		if w == nil {
			return nil, errAbandoned
		}
		weights = append(weights, convert(w.GetRows(), fromWeights)...)
		if w.GetLast() {
			return weights, nil
		}
	}
}

// Update implements pb.BackendServer.
func (s *backendServer) Update(r *pb.UpdateRequest, stream grpc.ServerStreamingServer[pb.BackendAnswer]) error {
	out, ctx := answers(stream)
	defer out.close()
	m, release, err := s.take(ctx, r.GetModel())
	if err != nil {
		return err
	}
	defer release()
	o := r.GetOptimizer()
	stats, err := m.Update(ctx, core.Update{
		LearningRate: r.GetLearningRate(), MaxGradNorm: r.GetMaxGradNorm(),
		Optimizer: core.Optimizer{
			Name: o.GetName(), Beta1: o.GetBeta1(), Beta2: o.GetBeta2(), Alpha: o.GetAlpha(),
			Epsilon: o.GetEpsilon(), WeightDecay: o.GetWeightDecay(),
		},
	})
	if err != nil {
		return err
	}
	return out.Send(&pb.BackendAnswer{Answer: &pb.BackendAnswer_Update{Update: &pb.UpdateStats{GradNorm: stats.GradNorm}}})
}

// Save implements pb.BackendServer.
func (s *backendServer) Save(r *pb.SaveRequest, stream grpc.ServerStreamingServer[pb.BackendAnswer]) error {
	out, ctx := answers(stream)
	defer out.close()
	m, release, err := s.take(ctx, r.GetModel())
	if err != nil {
		return err
	}
	defer release()
	return m.Save(ctx, r.GetDir(), core.SaveOptions{DType: r.GetDtype(), State: r.GetState()})
}

// CloseModel implements pb.BackendServer.
func (s *backendServer) CloseModel(ctx context.Context, r *pb.CloseModelRequest) (*pb.CloseModelResponse, error) {
	return &pb.CloseModelResponse{}, s.close(ctx, r.GetModel())
}

// closeAll closes what the host has left open.
func (s *backendServer) closeAll(ctx context.Context) error {
	s.mu.Lock()
	var ids []uint64
	for id := range s.models {
		ids = append(ids, id)
	}
	s.mu.Unlock()
	var errs []error
	for _, id := range ids {
		errs = append(errs, s.close(ctx, id))
	}
	return errors.Join(errs...)
}

func (s *backendServer) close(ctx context.Context, id uint64) error {
	m, release, err := s.take(ctx, id)
	if err != nil {
		return err
	}
	defer release()
	s.mu.Lock()
	delete(s.models, id)
	s.mu.Unlock()
	return m.Close()
}

func (s *backendServer) add(m core.Model) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	s.models[s.opened] = &servedModel{Model: m, busy: make(chan struct{}, 1)}
	return s.opened
}

// take waits until no call of the model runs.
func (s *backendServer) take(ctx context.Context, id uint64) (m core.Model, release func(), err error) {
	s.mu.Lock()
	served, ok := s.models[id]
	s.mu.Unlock()
	if !ok {
		return nil, nil, errors.New("the model is closed")
	}
	select {
	case served.busy <- struct{}{}:
		return served.Model, func() { <-served.busy }, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// answerStream is what the streams of all of the backend's calls offer.
type answerStream interface {
	Send(*pb.BackendAnswer) error
	Context() context.Context
}

// answers returns a sender on the stream and a context that reports over it.
func answers(stream answerStream) (*sender[*pb.BackendAnswer], context.Context) {
	out := &sender[*pb.BackendAnswer]{send: stream.Send}
	return out, withReports(stream.Context(), func(r *pb.Report) error {
		return out.Send(&pb.BackendAnswer{Answer: &pb.BackendAnswer_Report{Report: r}})
	})
}

func sendScores(out *sender[*pb.BackendAnswer], scores [][]core.Score) error {
	for rows, last := range chunks(convert(scores, toScores)) {
		message := &pb.Scores{Rows: rows, Last: last}
		if err := out.Send(&pb.BackendAnswer{Answer: &pb.BackendAnswer_Scores{Scores: message}}); err != nil {
			return err
		}
	}
	return nil
}
