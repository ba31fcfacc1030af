package plugins

import (
	"context"
	"errors"
	"io"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

// errEarly is that of a plugin that ended a call without its result.
var errEarly = errors.New("the plugin ended the call without a result")

// receiveAll hands each message to handle until the other side ends the stream
// without an error.
func receiveAll[T any](receive func() (T, error), handle func(T) error) error {
	for {
		message, err := receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := handle(message); err != nil {
			return err
		}
	}
}

// sent drops gRPC's io.EOF for a message that came after the end of a call: the
// next receive says why it has ended.
func sent(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// withReports returns a context whose Reporter sends to the host.
func withReports(ctx context.Context, send func(*pb.Report) error) context.Context {
	return core.WithReporter(ctx, &reporter{send: send})
}
