#!/usr/bin/env bash
# Builds the libtorch backend into the plugin folder, and checks it.
#
#   backends/libtorch/install.sh [--test] [FOLDER]   FOLDER: plugins/bin unless given
#   eval "$(backends/libtorch/install.sh --env)"     what "go test -tags libtorch" needs
#
# libtorch 2.11 is taken from $LIBTORCH (a folder with include/ and lib/), else from
# the torch of a Python environment, else installed with pip into
# backends/libtorch/.torch. --test also runs the backend's tests.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
own=$here/.torch
wanted=2.11
pinned=torch==2.11.0
libraries=(nvidia-cuda-cupti==13.0.85 nvidia-cuda-runtime==13.0.96) # what libtorch_cpu.so links to

say() { echo "install: $*" >&2; }
fail() {
	say "$*"
	exit 1
}

# version prints the version of the libtorch in a folder, as 2.11; nothing where there is none.
version() {
	sed -n 's/^#define TORCH_VERSION_\(MAJOR\|MINOR\) //p' "$1/include/torch/headeronly/version.h" 2>/dev/null | paste -sd.
}

# python_torch prints the folder of an interpreter's torch, without importing it.
python_torch() {
	"$1" -c 'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0] if s else "")' 2>/dev/null || true
}

usable() {
	[ -n "$1" ] && [ "$(version "$1")" = "$wanted" ] && [ -e "$1/lib/libtorch_cpu.so" ]
}

# find_torch sets torch to a libtorch that is there.
find_torch() {
	if [ -n "${LIBTORCH:-}" ]; then
		usable "$LIBTORCH" || fail "\$LIBTORCH: \"$LIBTORCH\" has no libtorch $wanted (found \"$(version "$LIBTORCH")\"); unset it to have one found or installed"
		torch=$LIBTORCH
		return
	fi
	for torch in "$(python_torch "${VIRTUAL_ENV:-/nonexistent}/bin/python")" "$(python_torch python3)" "$own/site/torch"; do
		if usable "$torch"; then return; fi
	done
	torch=
}

# install_torch puts the pinned wheels into a folder of the project's: all of CUDA's
# libraries where there is a GPU, else only what the processor needs.
install_torch() {
	command -v python3 >/dev/null || fail "python3 is not there; it is needed to download torch (or set LIBTORCH)"
	local packages=(--no-deps "$pinned" "${libraries[@]}")
	if command -v nvidia-smi >/dev/null; then packages=("$pinned"); fi
	say "no torch $wanted is installed: pip installs ${packages[*]} into $own (1.2 GB or more)"
	python3 -m pip install --quiet --upgrade --target "$own/site" "${packages[@]}" >&2 || fail "pip could not install $pinned"
	torch=$own/site/torch
	usable "$torch" || fail "\"$torch\" is not libtorch $wanted"
}

# The libraries that gotch's bindings name and the processor's half does not need.
stubs() {
	mkdir -p "$own/stubs"
	for library in cuda cudart cublas cudnn caffe2_nvrtc nvrtc-builtins nvrtc nvToolsExt c10_cuda torch_cuda; do
		[ -e "$own/stubs/lib$library.a" ] || ar rc "$own/stubs/lib$library.a"
	done
}

environment() {
	export CGO_ENABLED=1 CGO_CFLAGS="-O2 -w"
	export CGO_CXXFLAGS="-O2 -w -isystem $torch/include -isystem $torch/include/torch/csrc/api/include -include $here/compat.h"
	export CGO_LDFLAGS="-L$own/stubs -L$torch/lib -Wl,--as-needed -Wl,-rpath,$torch/lib"
}

# parity scores a few words of the embedded example with the plugin and with gorgonia.
parity() {
	local item='{"prompt": "The cat", "completions": [" says meow", " lives in the sea", " eats grass"]}' scores=()
	for backend in gorgonia libtorch; do
		scores+=("$(cd "$root" && go run ./cmd/stepwise score --model examples/embedded/model --backend "$backend" --plugins "$folder" <<<"$item")") ||
			fail "the $backend backend could not score the embedded example"
	done
	paste -d' ' <(numbers "${scores[0]}") <(numbers "${scores[1]}") | awk '
		{ d = $1 - $2; if (d < 0) d = -d; if (d > worst) worst = d; n++ }
		END { printf "install: %d log-probabilities differ from gorgonia'\''s by at most %.1e\n", n, worst; exit !(n == 3 && worst <= 1e-3) }' >&2 ||
		fail "the backends disagree: ${scores[*]}"
}

numbers() { sed -n 's/.*"logprobs": *\[\([^]]*\)\].*/\1/p' <<<"$1" | tr ',' '\n'; }

test=false print=false folder=
for argument in "$@"; do
	case $argument in
	--test) test=true ;;
	--env) print=true ;;
	-*) fail "unknown option $argument (known: --test, --env)" ;;
	*) folder=$argument ;;
	esac
done
mkdir -p "${folder:=$root/plugins/bin}"
folder=$(cd "$folder" && pwd)

[ "$(uname -sm)" = "Linux x86_64" ] || fail "$(uname -sm): the libtorch backend is for Linux on x86-64; gorgonia runs everywhere"
for program in go g++ ar; do
	command -v $program >/dev/null || fail "$program is not there; it is needed to build the backend"
done
find_torch
[ -n "$torch" ] || install_torch
stubs
environment
if $print; then
	for name in CGO_ENABLED CGO_CFLAGS CGO_CXXFLAGS CGO_LDFLAGS; do printf 'export %s=%q\n' $name "${!name}"; done
	exit
fi
say "libtorch $(version "$torch") in $torch"
say "building (the first time takes minutes)"
(cd "$root" && go build -tags libtorch -o "$folder/stepwise-backend-libtorch" ./cmd/stepwise-backend-libtorch)
say "built $folder/stepwise-backend-libtorch"
parity
if $test; then (cd "$root" && go test -timeout 25m -tags libtorch ./backends/libtorch/...); fi
say "done: set backend.name = \"libtorch\", and plugins.dir or STEPWISE_PLUGIN_DIR to $folder"
