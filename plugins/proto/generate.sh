#!/bin/sh
# Generates the Go code of this folder and the Python code of ../python from
# stepwise.proto, with pinned versions of everything. With --check it writes
# nothing and fails where the code that is checked in differs.
# Needs: go, python3 with venv, and the network or caches of both.
set -eu
cd "$(dirname "$0")"

GRPCIO_TOOLS=1.85.1        # brings protoc
PROTOC_GEN_GO=v1.36.12
PROTOC_GEN_GO_GRPC=v1.6.2

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check "grpcio-tools==$GRPCIO_TOOLS"
GOBIN="$tmp/bin" go install "google.golang.org/protobuf/cmd/protoc-gen-go@$PROTOC_GEN_GO"
GOBIN="$tmp/bin" go install "google.golang.org/grpc/cmd/protoc-gen-go-grpc@$PROTOC_GEN_GO_GRPC"

mkdir "$tmp/go" "$tmp/python"
PATH="$tmp/bin:$PATH" "$tmp/venv/bin/python" -m grpc_tools.protoc -I . \
	--go_out="$tmp/go" --go_opt=paths=source_relative \
	--go-grpc_out="$tmp/go" --go-grpc_opt=paths=source_relative \
	--python_out="$tmp/python" --grpc_python_out="$tmp/python" \
	stepwise.proto

if [ "${1:-}" = --check ]; then
	status=0
	for file in "$tmp/go"/*; do diff -u "${file##*/}" "$file" || status=1; done
	for file in "$tmp/python"/*; do diff -u "../python/${file##*/}" "$file" || status=1; done
	[ $status = 0 ] || echo "generated code differs: run go generate ./plugins/proto" >&2
	exit $status
fi
mkdir -p ../python
cp "$tmp/go"/* .
cp "$tmp/python"/* ../python
