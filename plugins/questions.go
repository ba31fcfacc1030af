package plugins

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

var _ core.Questioner = (*Evaluator)(nil)

// Questions implements core.Questioner. It returns core.ErrUnsupported where the
// plugin's evaluator is none.
func (e *Evaluator) Questions(ctx context.Context) ([]core.Question, error) {
	call, cancel := e.begin(ctx)
	defer cancel()
	stream, err := e.client.Questions(call, &pb.QuestionsRequest{})
	var questions []core.Question
	last := false
	if err == nil {
		err = receiveAll(stream.Recv, func(a *pb.QuestionsAnswer) error {
			switch a := a.GetAnswer().(type) {
			case *pb.QuestionsAnswer_Report:
				forward(ctx, a.Report)
			case *pb.QuestionsAnswer_Questions:
				questions = append(questions, convert(a.Questions.GetRows(), fromQuestion)...)
				last = a.Questions.GetLast()
			}
			return nil
		})
	}
	if err == nil && !last {
		err = errEarly
	}
	if err != nil {
		return nil, e.mapError(ctx, err)
	}
	return questions, nil
}

// Questions implements pb.EvaluatorServer.
func (s *evaluatorServer) Questions(_ *pb.QuestionsRequest, stream grpc.ServerStreamingServer[pb.QuestionsAnswer]) error {
	evaluator, err := s.get()
	if err != nil {
		return err
	}
	questioner, ok := evaluator.(core.Questioner)
	if !ok {
		return fmt.Errorf("telling its questions is %w by this evaluator", core.ErrUnsupported)
	}
	out := &sender[*pb.QuestionsAnswer]{send: stream.Send}
	defer out.close()
	ctx := withReports(stream.Context(), func(r *pb.Report) error {
		return out.Send(&pb.QuestionsAnswer{Answer: &pb.QuestionsAnswer_Report{Report: r}})
	})
	questions, err := questioner.Questions(ctx)
	if err != nil {
		return err
	}
	for rows, last := range chunks(convert(questions, toQuestion)) {
		message := &pb.Questions{Rows: rows, Last: last}
		if err := out.Send(&pb.QuestionsAnswer{Answer: &pb.QuestionsAnswer_Questions{Questions: message}}); err != nil {
			return err
		}
	}
	return nil
}
