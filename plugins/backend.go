package plugins

import (
	"context"

	"google.golang.org/grpc"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

// Backend is a core.Backend in a process of its own. The models it opens live
// there, and end with it.
type Backend struct {
	*Plugin
	client pb.BackendClient
}

var (
	_ core.Backend    = (*Backend)(nil)
	_ core.Forecaster = (*Backend)(nil)
	_ core.Model      = (*model)(nil)
)

func newBackend(p *Plugin) *Backend {
	return &Backend{p, pb.NewBackendClient(p.conn)}
}

// Check implements core.Backend.
func (b *Backend) Check(ctx context.Context, o core.OpenOptions) error {
	options, err := b.openOptions(o)
	if err != nil {
		return err
	}
	call, cancel := b.begin(ctx)
	defer cancel()
	_, err = b.client.Check(call, &pb.CheckRequest{Options: options})
	return b.mapError(ctx, err)
}

func (b *Backend) openOptions(o core.OpenOptions) (*pb.OpenOptions, error) {
	var err error
	if o.State, err = absolute(o.State); err != nil {
		return nil, err
	}
	options, err := toOpenOptions(o)
	return options, b.mapError(context.Background(), err)
}

// call makes a call of one request whose answers are reports and, at most, a
// result, which is handed to result.
func call[R any](ctx context.Context, b *Backend, method serverStreaming[R], request *R, result func(*pb.BackendAnswer)) error {
	callCtx, cancel := b.begin(ctx)
	defer cancel()
	stream, err := method(callCtx, request)
	if err == nil {
		err = receiveAll(stream.Recv, func(a *pb.BackendAnswer) error {
			if r := a.GetReport(); r != nil {
				forward(ctx, r)
			} else {
				result(a)
			}
			return nil
		})
	}
	return b.mapError(ctx, err)
}

type serverStreaming[R any] func(context.Context, *R, ...grpc.CallOption) (grpc.ServerStreamingClient[pb.BackendAnswer], error)

// Open implements core.Backend.
func (b *Backend) Open(ctx context.Context, path string, o core.OpenOptions) (core.Model, error) {
	path, err := absolute(path)
	if err != nil {
		return nil, err
	}
	options, err := b.openOptions(o)
	if err != nil {
		return nil, err
	}
	var opened *pb.Opened
	err = call(ctx, b, b.client.Open, &pb.OpenRequest{Path: path, Options: options}, func(a *pb.BackendAnswer) {
		opened = a.GetOpened()
	})
	if err == nil && opened == nil {
		err = b.mapError(ctx, errEarly)
	}
	if err != nil {
		return nil, err
	}
	return &model{backend: b, id: opened.GetModel()}, nil
}

// Forecast implements core.Forecaster. It returns core.ErrUnsupported where the
// plugin's backend is none.
func (b *Backend) Forecast(ctx context.Context, path string, o core.OpenOptions, w core.Workload) (core.Forecast, error) {
	path, err := absolute(path)
	if err != nil {
		return core.Forecast{}, err
	}
	options, err := b.openOptions(o)
	if err != nil {
		return core.Forecast{}, err
	}
	request := &pb.ForecastRequest{Path: path, Options: options, MicroBatch: convert(w.MicroBatch, toShape)}
	var f *pb.Forecast
	err = call(ctx, b, b.client.Forecast, request, func(a *pb.BackendAnswer) { f = a.GetForecast() })
	if err == nil && f == nil {
		err = b.mapError(ctx, errEarly)
	}
	return fromForecast(f), err
}

func toShape(s core.ItemShape) *pb.ItemShape {
	return &pb.ItemShape{Prompt: int64(s.Prompt), Completions: convert(s.Completions, func(n int) int64 { return int64(n) })}
}

func fromShape(s *pb.ItemShape) core.ItemShape {
	return core.ItemShape{Prompt: int(s.GetPrompt()), Completions: convert(s.GetCompletions(), func(n int64) int { return int(n) })}
}
