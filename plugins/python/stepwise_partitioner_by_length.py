#!/usr/bin/env python3
"""A partitioner for stepwise in Python: a step for each source, the source
whose chosen answers are shorter first; with the option {"score": true}, the one
whose pairs the base model finds easier.

It needs grpcio and protobuf (requirements.txt). Installed as an executable file
named stepwise-partitioner-by-length in the plugin folder, with stepwise_pb2.py
and stepwise_pb2_grpc.py beside it, it is `strategy = "by-length"`.
"""

import json

import stepwise_pb2 as pb
import stepwise_plugin
import stepwise_pb2_grpc as rpc


class ByLength(rpc.PartitionerServicer):
    score = False

    def Configure(self, request, context):
        options = json.loads(request.options or "{}")
        unknown = set(options) - {"score"}
        if unknown:
            stepwise_plugin.refuse(context, f"unknown option {sorted(unknown)[0]!r}; options are: score")
        self.score = bool(options.get("score", False))
        return pb.ConfigureResponse()

    def Partition(self, requests, context):
        """A conversation: what is yielded goes to the host."""
        sources = stepwise_plugin.read_sources(requests)
        keys = []
        for index, source in enumerate(sources):
            if self.score:
                scores = yield from self.scores(requests, context, source)
                keys.append(-mean([row.scores[0].log_prob - row.scores[1].log_prob for row in scores]))
            else:
                keys.append(mean([len(pair.chosen_ids) for pair in source.pairs]))
            yield pb.PartitionAnswer(report=pb.Report(
                progress=pb.Progress(what="sources", done=index + 1, total=len(sources))))
        steps = pb.Steps(last=True)
        for step, index in enumerate(sorted(range(len(sources)), key=keys.__getitem__)):
            refs = [pb.PairRef(source=index, pair=pair) for pair in range(len(sources[index].pairs))]
            steps.rows.append(pb.Step(index=step, pairs=refs))
        yield pb.PartitionAnswer(steps=steps)

    def scores(self, requests, context, source):
        """Asks the host for the log-probabilities of every pair's answers."""
        items = [pb.Item(prompt=pair.prompt_ids, completions=[
            pb.Tokens(ids=pair.chosen_ids), pb.Tokens(ids=pair.rejected_ids)]) for pair in source.pairs]
        for message in stepwise_plugin.log_probs(items):
            yield pb.PartitionAnswer(call=message)
        return stepwise_plugin.read_scores(requests, context)


def mean(values):
    return sum(values) / max(1, len(values))


if __name__ == "__main__":
    stepwise_plugin.serve("partitioner", lambda server: rpc.add_PartitionerServicer_to_server(ByLength(), server))
