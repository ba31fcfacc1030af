package plugins

import (
	"context"
	"errors"

	"github.com/stepwise-dpo/stepwise/core"
	pb "github.com/stepwise-dpo/stepwise/plugins/proto"
)

// scorerHost answers the scorer calls of one conversation with the host's
// Scorer.
type scorerHost struct {
	scorer core.Scorer
	answer func(*pb.ScorerAnswer) error

	items  []core.Item // of the call that is coming in
	detail core.Detail
	texts  []core.Text
	rules  core.EncodeRules
	errors []error // sent to the plugin, numbered from 1
}

// handle takes a message of a call, and with the last of them runs the call and
// answers it. Its error is that of the stream.
func (h *scorerHost) handle(ctx context.Context, call *pb.ScorerCall) error {
	switch c := call.GetCall().(type) {
	case *pb.ScorerCall_Info:
		return h.info(ctx)
	case *pb.ScorerCall_Encode:
		if h.texts == nil {
			e := c.Encode
			h.rules = core.EncodeRules{BOS: core.BOSRule(e.GetBos()), MaxLength: int(e.GetMaxLength()), NoTruncation: e.GetNoTruncation()}
		}
		h.texts = append(h.texts, convert(c.Encode.GetTexts(), fromText)...)
		if c.Encode.GetLast() {
			return h.encode(ctx)
		}
		return nil
	case *pb.ScorerCall_LogProbs:
		if h.items == nil {
			h.detail = fromDetail(c.LogProbs.GetDetail())
		}
		h.items = append(h.items, convert(c.LogProbs.GetItems(), fromItem)...)
		if c.LogProbs.GetLast() {
			return h.logProbs(ctx)
		}
		return nil
	}
	return h.fail(errors.New("the plugin asked for something that this host does not know"))
}

func (h *scorerHost) info(ctx context.Context) error {
	info, err := h.scorer.Info(ctx)
	if err != nil {
		return h.fail(err)
	}
	return h.answer(&pb.ScorerAnswer{Answer: &pb.ScorerAnswer_Info{Info: toInfo(info)}})
}

func (h *scorerHost) encode(ctx context.Context) error {
	texts := h.texts
	h.texts = nil
	encoded, err := h.scorer.Encode(ctx, texts, h.rules)
	if err != nil {
		return h.fail(err)
	}
	for rows, last := range chunks(convert(encoded, toEncoded)) {
		message := &pb.EncodedTexts{Rows: rows, Last: last}
		if err := h.answer(&pb.ScorerAnswer{Answer: &pb.ScorerAnswer_Encoded{Encoded: message}}); err != nil {
			return err
		}
	}
	return nil
}

func (h *scorerHost) logProbs(ctx context.Context) error {
	items := h.items
	h.items = nil
	scores, err := h.scorer.LogProbs(ctx, items, h.detail)
	if err != nil {
		return h.fail(err)
	}
	for rows, last := range chunks(convert(scores, toScores)) {
		message := &pb.Scores{Rows: rows, Last: last}
		if err := h.answer(&pb.ScorerAnswer{Answer: &pb.ScorerAnswer_Scores{Scores: message}}); err != nil {
			return err
		}
	}
	return nil
}

// fail sends an error of the host's under a number.
func (h *scorerHost) fail(err error) error {
	h.errors = append(h.errors, err)
	f := toFailure(err)
	f.HostError = uint64(len(h.errors))
	return h.answer(&pb.ScorerAnswer{Answer: &pb.ScorerAnswer_Failure{Failure: f}})
}

// restore puts the host's own error back into one that the plugin returned
// because of it, so that errors.Is finds what the scorer failed with.
func (h *scorerHost) restore(err error) error {
	var remote *remoteError
	if errors.As(err, &remote) && remote.host > 0 && remote.host <= uint64(len(h.errors)) {
		remote.cause = h.errors[remote.host-1]
	}
	return err
}
