#!/bin/bash
# Prints the directory of a `docker-compose-v2`, for PATH: that of the one on PATH, else of one that is built from its source by Go, once,
# into the user's cache. Linked as cli-plugins/docker-compose into DOCKER_CONFIG it answers to `docker compose`. The hash of each module is
# checked by Go. What needs it: test/compose/engine.test.ts.
#
#   PATH="$(scripts/install-compose.sh):$PATH"
set -euo pipefail

VERSION=v2.40.3
MODULE=github.com/docker/compose/v2

if found=$(command -v docker-compose-v2); then
  dirname "$found"
  exit 0
fi
bin="${XDG_CACHE_HOME:-$HOME/.cache}/weft/compose-$VERSION"
if [ ! -x "$bin/docker-compose-v2" ]; then
  go=$(command -v go || command -v /usr/local/go/bin/go) || {
    echo "docker-compose-v2 is not on PATH, and there is no Go to build it with" >&2
    exit 1
  }
  export GOWORK=off CGO_ENABLED=0
  # In its own folder, and not by `go install`, which refuses a go.mod that excludes versions.
  cd "${TMPDIR:-/tmp}"
  source=$("$go" mod download -json "$MODULE@$VERSION" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  cd "$source"
  nice -n 10 "$go" build -p "${WEFT_BUILD_JOBS:-2}" -trimpath -mod=readonly -gcflags=all=-dwarf=false \
    -ldflags="-s -w -X $MODULE/internal.Version=$VERSION" -o "$bin/docker-compose-v2" ./cmd >&2
fi
echo "$bin"
