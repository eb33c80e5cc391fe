#!/bin/bash
# Prints the directory of a `helm`, for PATH: that of the one on PATH, else of one that is built from its source by Go, once, into the
# user's cache. The module's hash is checked by Go (sum.golang.org). What needs it: test/install/chart.test.ts.
#
#   PATH="$(scripts/install-helm.sh):$PATH"
set -euo pipefail

VERSION=v3.22.0

if found=$(command -v helm); then
  dirname "$found"
  exit 0
fi
bin="${XDG_CACHE_HOME:-$HOME/.cache}/weft/helm-$VERSION"
if [ ! -x "$bin/helm" ]; then
  go=$(command -v go || command -v /usr/local/go/bin/go) || {
    echo "helm is not on PATH, and there is no Go to build it with" >&2
    exit 1
  }
  # Outside of the repository: go must not take a go.mod above for its own.
  cd "${TMPDIR:-/tmp}"
  GOBIN="$bin" GOFLAGS="-p=${WEFT_BUILD_JOBS:-2}" nice -n 10 "$go" install -ldflags="-s -w" "helm.sh/helm/v3/cmd/helm@$VERSION" >&2
fi
echo "$bin"
