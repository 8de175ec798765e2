#!/bin/sh
# Installs the independent servers that the contract suites compare with, outside the repository.
# Skips what is there already. Prints the path of each server it leaves in place.
set -eu

VERSITYGW_VERSION=v1.8.0
cache="${XDG_CACHE_HOME:-$HOME/.cache}/tributary"
binary="$cache/versitygw"

if [ -x "$binary" ]; then
  echo "versitygw: $binary (present)"
  exit 0
fi
if ! command -v go >/dev/null 2>&1; then
  echo "versitygw: not installed, for there is no go on PATH; its suite will be skipped" >&2
  exit 0
fi

mkdir -p "$cache"
started=$(date +%s)
echo "versitygw $VERSITYGW_VERSION: building with $(go version | cut -d' ' -f3); a few minutes" >&2
GOBIN="$cache" GOFLAGS=-trimpath go install "github.com/versity/versitygw/cmd/versitygw@$VERSITYGW_VERSION"
echo "versitygw: $binary (built in $(($(date +%s) - started)) s)"
