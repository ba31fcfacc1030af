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

// configurer is what the clients of partitioners and evaluators have in common.
type configurer interface {
	Configure(context.Context, *pb.ConfigureRequest, ...grpc.CallOption) (*pb.ConfigureResponse, error)
}

// configure gives the plugin its options, which it may refuse.
func (p *Plugin) configure(ctx context.Context, c configurer, o core.Options) error {
	options, err := toOptions(o)
	if err != nil {
		return fmt.Errorf("%s: %w", p.info.title(), err)
	}
	call, cancel := p.begin(ctx)
	defer cancel()
	_, err = c.Configure(call, &pb.ConfigureRequest{Options: options})
	return p.mapError(ctx, err)
}

// configured makes an author's implementation of the options, once.
type configured[T any] struct {
	new func(core.Options) (T, error)

	mu    sync.Mutex
	value T
	done  bool
}

func (c *configured[T]) configure(options string) error {
	o, err := fromOptions(options)
	if err != nil {
		return err
	}
	value, err := c.new(o)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.value, c.done = value, true
	return nil
}

func (c *configured[T]) get() (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.done {
		return c.value, errors.New("the plugin has not been configured")
	}
	return c.value, nil
}
