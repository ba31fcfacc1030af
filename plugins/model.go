package plugins

import (
	"context"
	"errors"
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

// closeModelTimeout bounds core.Model.Close, which has no context.
const closeModelTimeout = 30 * time.Second

// model is a core.Model that lives in a backend's process.
type model struct {
	backend *Backend
	id      uint64
}

// LogProbs implements core.Model.
func (m *model) LogProbs(ctx context.Context, items []core.Item, d core.Detail) ([][]core.Score, error) {
	call, cancel := m.backend.begin(ctx)
	defer cancel()
	stream, err := m.backend.client.LogProbs(call)
	if err != nil {
		return nil, m.backend.mapError(ctx, err)
	}
	for rows := range chunks(convert(items, toItem)) {
		err = stream.Send(&pb.LogProbsRequest{Model: m.id, Detail: toDetail(d), Items: rows})
		if err != nil {
			break
		}
	}
	if err == nil {
		err = stream.CloseSend()
	}
	scores := make([][]core.Score, 0, len(items))
	if err = sent(err); err == nil {
		err = receiveAll(stream.Recv, func(a *pb.BackendAnswer) error {
			if r := a.GetReport(); r != nil {
				forward(ctx, r)
			}
			scores = append(scores, convert(a.GetScores().GetRows(), fromScores)...)
			return nil
		})
	}
	if err == nil {
		err = sameShape(scores, items)
	}
	if err != nil {
		return nil, m.backend.mapError(ctx, err)
	}
	return scores, nil
}

// Accumulate implements core.Model.
func (m *model) Accumulate(ctx context.Context, items []core.Item, grad core.GradFunc) error {
	call, cancel := m.backend.begin(ctx)
	defer cancel()
	stream, err := m.backend.client.Accumulate(call)
	if err != nil {
		return m.backend.mapError(ctx, err)
	}
	a := &accumulation{model: m.id, items: items, grad: grad, send: stream.Send, scores: make([][]core.Score, 0, len(items))}
	if err = sent(a.sendItems()); err == nil {
		err = receiveAll(stream.Recv, func(answer *pb.BackendAnswer) error {
			if r := answer.GetReport(); r != nil {
				forward(ctx, r)
				return nil
			}
			return sent(a.receive(answer.GetScores()))
		})
	}
	if err == nil && !a.answered {
		err = errEarly
	}
	err = m.backend.mapError(ctx, err)
	if a.failed != nil && !errors.Is(err, ErrPluginExited) {
		return a.failed
	}
	return errors.Join(err, a.failed)
}

// accumulation is the host's side of the conversation of Accumulate.
type accumulation struct {
	model    uint64
	items    []core.Item
	grad     core.GradFunc
	send     func(*pb.AccumulateRequest) error
	scores   [][]core.Score
	answered bool
	failed   error // of grad
}

func (a *accumulation) sendItems() error {
	for rows, last := range chunks(convert(a.items, toItem)) {
		message := &pb.AccumulateItems{Model: a.model, Items: rows, Last: last}
		if err := a.send(&pb.AccumulateRequest{Request: &pb.AccumulateRequest_Items{Items: message}}); err != nil {
			return err
		}
	}
	return nil
}

// receive gathers scores and, with the last of them, sends the weights. Scores
// of another shape than the items' are an error, and grad is not called.
func (a *accumulation) receive(scores *pb.Scores) error {
	a.scores = append(a.scores, convert(scores.GetRows(), fromScores)...)
	if !scores.GetLast() {
		return nil
	}
	if err := sameShape(a.scores, a.items); err != nil {
		return err
	}
	a.answered = true
	weights, err := a.grad(a.scores)
	if err != nil {
		a.failed = err
		return a.send(&pb.AccumulateRequest{Request: &pb.AccumulateRequest_Abandon{Abandon: &pb.Abandon{}}})
	}
	for rows, last := range chunks(convert(weights, toWeights)) {
		message := &pb.AccumulateWeights{Rows: rows, Last: last}
		if err := a.send(&pb.AccumulateRequest{Request: &pb.AccumulateRequest_Weights{Weights: message}}); err != nil {
			return err
		}
	}
	return nil
}

// Update implements core.Model.
func (m *model) Update(ctx context.Context, u core.Update) (core.UpdateStats, error) {
	o := u.Optimizer
	request := &pb.UpdateRequest{
		Model: m.id, LearningRate: u.LearningRate, MaxGradNorm: u.MaxGradNorm,
		Optimizer: &pb.Optimizer{
			Name: o.Name, Beta1: o.Beta1, Beta2: o.Beta2, Alpha: o.Alpha, Epsilon: o.Epsilon, WeightDecay: o.WeightDecay,
		},
	}
	var stats *pb.UpdateStats
	err := call(ctx, m.backend, m.backend.client.Update, request, func(a *pb.BackendAnswer) { stats = a.GetUpdate() })
	if err == nil && stats == nil {
		err = m.backend.mapError(ctx, errEarly)
	}
	return core.UpdateStats{GradNorm: stats.GetGradNorm()}, err
}

// Save implements core.Model.
func (m *model) Save(ctx context.Context, dir string, o core.SaveOptions) error {
	dir, err := absolute(dir)
	if err != nil {
		return err
	}
	request := &pb.SaveRequest{Model: m.id, Dir: dir, Dtype: o.DType, State: o.State}
	return call(ctx, m.backend, m.backend.client.Save, request, func(*pb.BackendAnswer) {})
}

// Close implements core.Model.
func (m *model) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeModelTimeout)
	defer cancel()
	call, cancel := m.backend.begin(ctx)
	defer cancel()
	_, err := m.backend.client.CloseModel(call, &pb.CloseModelRequest{Model: m.id})
	return m.backend.mapError(ctx, err)
}
