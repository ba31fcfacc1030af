package plugins

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

// ErrPluginExited is returned by calls to a plugin whose process has ended. The
// error's text holds what the plugin printed last, or its crash.
var ErrPluginExited = errors.New("the plugin has exited")

// kinds are the errors that keep their identity across the wire: errors.Is
// holds on the other side.
var kinds = []struct {
	kind pb.Failure_Kind
	err  error
}{
	{pb.Failure_CANCELED, context.Canceled},
	{pb.Failure_DEADLINE_EXCEEDED, context.DeadlineExceeded},
	{pb.Failure_NOT_FINITE, core.ErrNotFinite},
	{pb.Failure_UNSUPPORTED, core.ErrUnsupported},
	{pb.Failure_NOT_EXIST, fs.ErrNotExist},
}

// remoteError is an error that was made on the other side of the wire.
type remoteError struct {
	message string
	cause   error // one of kinds, or the host's own error come back; may be nil
	host    uint64
}

func (e *remoteError) Error() string { return e.message }
func (e *remoteError) Unwrap() error { return e.cause }

// toFailure describes err for the other side.
func toFailure(err error) *pb.Failure {
	f := &pb.Failure{Message: strings.ToValidUTF8(err.Error(), "\uFFFD")}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			f.Kind = k.kind
			break
		}
	}
	var remote *remoteError
	if errors.As(err, &remote) {
		f.HostError = remote.host
	}
	return f
}

// fromFailure is the inverse of toFailure.
func fromFailure(f *pb.Failure) *remoteError {
	e := &remoteError{message: f.GetMessage(), host: f.GetHostError()}
	for _, k := range kinds {
		if k.kind == f.GetKind() {
			e.cause = k.err
		}
	}
	return e
}

// toStatus makes a gRPC status of an error of a plugin's implementation. A status
// is wrapped as any other error: it may be that of the author's own client, and
// its code would say of the plugin what is true of the author's server. Where the
// call's own stream has failed, gRPC has sent the status already.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	f := toFailure(err)
	s, detailErr := status.New(codes.Unknown, f.Message).WithDetails(f)
	if detailErr != nil {
		return status.Error(codes.Unknown, f.Message)
	}
	return s.Err()
}

// fromStatus makes an error of the status that a call to a plugin ended with.
// It is not for codes that the transport uses: see Plugin.mapError.
func fromStatus(s *status.Status) *remoteError {
	for _, detail := range s.Details() {
		if f, ok := detail.(*pb.Failure); ok {
			return fromFailure(f)
		}
	}
	return &remoteError{message: s.Message()}
}

// mapError says what an error of a gRPC call means to the caller who made it
// under ctx: the caller's own context, the plugin's end, or an error that the
// plugin returned. The plugin is named once, here.
func (p *Plugin) mapError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	s, ok := status.FromError(err)
	switch {
	case !ok: // made on this side
	case ctx.Err() != nil && transportCode(s):
		err = context.Cause(ctx)
		if !errors.Is(err, ctx.Err()) {
			err = errors.Join(ctx.Err(), err)
		}
	case s.Code() == codes.Unavailable || p.life.Err() != nil:
		err = p.exitError()
	case s.Code() == codes.Unimplemented:
		err = fmt.Errorf("%w by this plugin", core.ErrUnsupported)
	default:
		err = fromStatus(s)
	}
	return fmt.Errorf("%s: %w", p.info.title(), err)
}

// transportCode says whether a status can be gRPC's own view of a context that
// has ended, rather than an error that the plugin returned.
func transportCode(s *status.Status) bool {
	switch s.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Unavailable:
		return true
	}
	return errors.Is(fromStatus(s), context.Canceled) || errors.Is(fromStatus(s), context.DeadlineExceeded)
}

// exitError waits for the process to be gone, so that its last words are in,
// and returns them.
func (p *Plugin) exitError() error {
	p.awaitExit()
	if last := p.output.String(); last != "" {
		return fmt.Errorf("%w%s; %s", ErrPluginExited, p.exitStatus(), last)
	}
	return fmt.Errorf("%w%s", ErrPluginExited, p.exitStatus())
}
