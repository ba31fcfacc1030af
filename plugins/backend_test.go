//go:build unix

package plugins

import (
	"testing"

	"google.golang.org/grpc"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

// silentServer ends calls without an answer.
type silentServer struct{ pb.UnimplementedBackendServer }

func (silentServer) Forecast(*pb.ForecastRequest, grpc.ServerStreamingServer[pb.BackendAnswer]) error {
	return nil
}

// No forecast is no forecast of zero bytes.
func TestForecastWithoutAnswer(t *testing.T) {
	b := newBackend(inProcess(t, &service{kind: KindBackend, register: func(r grpc.ServiceRegistrar) {
		pb.RegisterBackendServer(r, silentServer{})
	}}))
	_, err := b.Forecast(t.Context(), "anywhere", core.OpenOptions{}, core.Workload{})
	wantText(t, err, `backend "memory": the plugin ended the call without a result`)
}
