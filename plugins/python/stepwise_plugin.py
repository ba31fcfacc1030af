"""What a plugin of stepwise needs to know of go-plugin, in Python: the
handshake, the services beside its own, and the chunks of the protocol in
../proto/stepwise.proto."""

import os
import sys
import tempfile
import threading
import time
from concurrent import futures

import grpc

import stepwise_pb2 as pb
import stepwise_pb2_grpc as rpc

COOKIE = ("STEPWISE_PLUGIN", "a partitioner, an evaluator or a backend")
HOST = "STEPWISE_HOST_PID"
PROTOCOL = 1
VERSION = "1.0.0"
CHUNK = 1 << 20  # bytes; what has no bound is cut at about this
OPTIONS = [
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 64 << 20),
]


def serve(kind, register):
    """Serves until the host is done. register adds the kind's own service."""
    if os.environ.pop(COOKIE[0], None) != COOKIE[1]:
        sys.exit(f"this is a {kind} plugin of stepwise: put it into the plugin folder")
    # The host reads the handshake from standard output; whatever else is
    # printed, also from C, goes to its log.
    handshake = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    host = _host()
    if os.getppid() != host:
        sys.exit("the host is gone")
    done = threading.Event()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=OPTIONS)
    rpc.add_PluginServicer_to_server(_Plugin(kind), server)
    server.add_generic_rpc_handlers([_GoPlugin(done)])
    register(server)
    path = os.path.join(os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or tempfile.mkdtemp(), "plugin")
    server.add_insecure_port("unix:" + path)
    server.start()
    print(f"1|{PROTOCOL}|unix|{path}|grpc", file=handshake, flush=True)
    while not done.wait(0.2):
        if os.getppid() != host:  # it is gone
            os._exit(1)
    server.stop(grace=1).wait()


def _host():
    """The process id that the host has given: the imports take a while, and a host
    that ends meanwhile is no parent any more. A plugin that leads no process group
    was started by the host's child, a script; that one is to be watched then."""
    host = os.environ.pop(HOST, "")
    return int(host) if host and os.getpgrp() == os.getpid() else os.getppid()


class _Plugin(rpc.PluginServicer):
    def __init__(self, kind):
        self.kind = kind

    def Describe(self, request, context):
        return pb.DescribeResponse(kind=self.kind, version=VERSION)

    def Close(self, request, context):
        return pb.CloseResponse()


class _GoPlugin(grpc.GenericRpcHandler):
    """go-plugin's own services: shutting down, and gRPC's health check. Their
    messages are empty, or one small constant."""

    SERVING = b"\x08\x01"

    def __init__(self, done):
        self.done = done

    def service(self, call):
        if call.method == "/plugin.GRPCController/Shutdown":
            return grpc.unary_unary_rpc_method_handler(self.shutdown)
        if call.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(lambda request, context: self.SERVING)
        return None

    def shutdown(self, request, context):
        self.done.set()
        return b""


def refuse(context, message, failure=None):
    """Ends the call with an error, as the host's Go code reads it."""
    detail = failure or pb.Failure(message=message)
    context.set_trailing_metadata([("grpc-status-details-bin", _status(message, detail))])
    context.abort(grpc.StatusCode.UNKNOWN, message)


def _status(message, detail):
    """The bytes of a google.rpc.Status of code UNKNOWN with one detail."""

    def field(number, value):
        return bytes([number << 3 | 2]) + _varint(len(value)) + value

    any_detail = field(1, b"type.googleapis.com/stepwise.v1.Failure") + field(2, detail.SerializeToString())
    return b"\x08\x02" + field(2, message.encode()) + field(3, any_detail)


def _varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def read_sources(requests):
    """Reads the host's sources; one that came in several rows is joined."""
    sources = []
    for request in requests:
        for row in request.sources.rows:
            if row.index == len(sources):
                sources.append(row)
            else:
                sources[row.index].pairs.extend(row.pairs)
        if request.sources.last:
            return sources
    raise EOFError("the host ended the call")


def log_probs(items, detail=None):
    """Yields the messages of one call of the host's model."""
    chunk, size = [], 0
    for item in items:
        chunk.append(item)
        size += item.ByteSize()
        if size >= CHUNK:
            yield pb.ScorerCall(log_probs=pb.LogProbsCall(items=chunk, detail=detail))
            chunk, size = [], 0
    yield pb.ScorerCall(log_probs=pb.LogProbsCall(items=chunk, detail=detail, last=True))


def read_scores(requests, context):
    """Reads the host's answer: a row an item. An error of the host ends the
    call, and goes back to it."""
    rows = []
    for request in requests:
        answer = request.scorer
        if answer.HasField("failure"):
            refuse(context, answer.failure.message, answer.failure)
        rows.extend(answer.scores.rows)
        if answer.scores.last:
            return rows
    raise EOFError("the host ended the call")
