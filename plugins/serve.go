package plugins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

// ServePartitioner is the main of a partitioner plugin. It serves what new
// makes of the options until the host ends, and does not return before. new
// refuses options that it does not know: see core.Options.Decode.
func ServePartitioner(new func(core.Options) (core.Partitioner, error)) {
	if new == nil {
		fail(errors.New("ServePartitioner was given no partitioner"))
	}
	fail(serve(partitionerService(new)))
}

// ServeEvaluator is the main of an evaluator plugin, as ServePartitioner is of
// a partitioner. An evaluator that is a core.Questioner is served as one.
func ServeEvaluator(new func(core.Options) (core.Evaluator, error)) {
	if new == nil {
		fail(errors.New("ServeEvaluator was given no evaluator"))
	}
	fail(serve(evaluatorService(new)))
}

// ServeBackend is the main of a backend plugin. Options come with each call of
// Check and Open. A backend that is a core.Forecaster is served as one.
func ServeBackend(b core.Backend) {
	if b == nil {
		fail(errors.New("ServeBackend was given no backend"))
	}
	fail(serve(backendService(b)))
}

// fail ends the process with the error, if there is one.
func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// service is what a plugin serves: one of the three kinds, and Plugin.
type service struct {
	pb.UnimplementedPluginServer
	kind     Kind
	version  string // empty = that of the main module
	register func(grpc.ServiceRegistrar)
	close    func(context.Context) error
}

func partitionerService(new func(core.Options) (core.Partitioner, error)) *service {
	server := &partitionerServer{configured: configured[core.Partitioner]{new: new}}
	return &service{kind: KindPartitioner, register: func(r grpc.ServiceRegistrar) { pb.RegisterPartitionerServer(r, server) }}
}

func evaluatorService(new func(core.Options) (core.Evaluator, error)) *service {
	server := &evaluatorServer{configured: configured[core.Evaluator]{new: new}}
	return &service{kind: KindEvaluator, register: func(r grpc.ServiceRegistrar) { pb.RegisterEvaluatorServer(r, server) }}
}

func backendService(b core.Backend) *service {
	server := newBackendServer(b)
	return &service{
		kind:     KindBackend,
		register: func(r grpc.ServiceRegistrar) { pb.RegisterBackendServer(r, server) },
		close:    server.closeAll,
	}
}

// Describe implements pb.PluginServer.
func (s *service) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	return &pb.DescribeResponse{Kind: string(s.kind), Version: cmp.Or(s.version, buildVersion())}, nil
}

// Close implements pb.PluginServer.
func (s *service) Close(ctx context.Context, _ *pb.CloseRequest) (*pb.CloseResponse, error) {
	if s.close == nil {
		return &pb.CloseResponse{}, nil
	}
	return &pb.CloseResponse{}, s.close(ctx)
}

// buildVersion is the version of the running program's main module.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// GRPCServer and GRPCClient implement goplugin.GRPCPlugin.
func (s *service) GRPCServer(_ *goplugin.GRPCBroker, server *grpc.Server) error {
	s.registerAll(server)
	return nil
}

func (*service) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a plugin has no plugins")
}

func (s *service) registerAll(r grpc.ServiceRegistrar) {
	pb.RegisterPluginServer(r, s)
	s.register(r)
}

// servedPlugin is service as go-plugin wants it: refusing net/rpc.
type servedPlugin struct {
	goplugin.NetRPCUnsupportedPlugin
	*service
}

var _ goplugin.GRPCPlugin = servedPlugin{}

// serve serves s to the host that has started this process.
func serve(s *service) error {
	if !startedByHost {
		return fmt.Errorf("this is a %s plugin of stepwise: put it into the plugin folder as %s%s-NAME, and name it in the configuration",
			s.kind, filePrefix, s.kind)
	}
	// Prints went to standard error so far; the handshake is the one thing that
	// the host reads on standard output. Afterwards go-plugin sends os.Stdout
	// over the wire.
	os.Stdout = handshakeOutput
	os.Setenv(cookieKey, cookieValue) // for go-plugin to check
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  handshake,
		VersionedPlugins: map[int]goplugin.PluginSet{protocolVersion: {dispensed: servedPlugin{service: s}}},
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			os.Unsetenv(cookieKey)
			return newServer(o)
		},
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr}),
	})
	return nil
}

// newServer is a gRPC server as plugins have them.
func newServer(options []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(options,
		grpc.MaxRecvMsgSize(maxMessageBytes),
		grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			response, err := handle(ctx, request)
			return response, toStatus(err)
		}),
		grpc.StreamInterceptor(func(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			return toStatus(handle(server, stream))
		}),
	)...)
}
