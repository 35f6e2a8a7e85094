#!/bin/sh
# Installs the programs that check our journal, our log, our segments and our pages from outside, as far as they are missing: quiet,
# and harmless to run again.
#
#   tests/oracles/install.sh hledger ledger beancount     these
#   tests/oracles/install.sh chromium axe                 what looks at pages
#   tests/oracles/install.sh schemathesis redocly         what looks at the API
#   tests/oracles/install.sh                              all
#
# Debian's packages come by apt-get (as root, or by sudo without a password); what is not in Debian goes into
# $CLAIMS_ORACLES_DIR (default: ~/.cache/claims-oracles), where the tests look as well. Every tool has a function here,
# install_TOOL; the exit code is the number of tools that are still missing.
set -u

home="${CLAIMS_ORACLES_DIR:-${HOME:-/root}/.cache/claims-oracles}"
bin="$home/bin"
mkdir -p "$bin" || exit 99
PATH="$bin:$PATH"

# Two test programs may ask at once: one installs, the other waits and finds everything there.
if command -v flock >/dev/null 2>&1 && [ -z "${CLAIMS_ORACLES_LOCKED:-}" ]; then
    CLAIMS_ORACLES_LOCKED=1 exec flock "$home/lock" "$0" "$@"
fi

has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif has sudo; then sudo -n "$@"; else return 1; fi
}

# apt PACKAGE...: the lists are fetched only when a package is not found in those that are there.
apt() {
    has apt-get || return 1
    apt_install "$@" || { as_root apt-get update -qq && apt_install "$@"; }
}
apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

install_hledger() { has hledger || apt hledger; }

install_ledger() { has ledger || apt ledger; }

# Fixed versions: what is accepted must not depend on the day of the test.
install_beancount() {
    has bean-check && return
    has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null || apt python3 python3-venv || return 1
    python3 -m venv "$home/beancount" &&
        "$home/beancount/bin/pip" install -q --disable-pip-version-check beancount==3.2.3 beanquery==0.2.0 &&
        ln -sf "$home/beancount/bin/bean-check" "$home/beancount/bin/bean-query" "$bin/"
}

# Three minutes of one core; the tests ask for it only when every oracle is required.
install_tackler() {
    has tackler && return
    has cargo || return 1
    CARGO_TARGET_DIR="$home/build" cargo install --quiet --locked --root "$home" tackler --version 26.10.1 &&
        rm -rf "$home/build"
}

# What data people read our segments with, in a Python of its own: parquet-python. The same wheels for everybody.
install_parquet() {
    has parquet-python && return
    has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null || apt python3 python3-venv || return 1
    python3 -m venv "$home/parquet" &&
        "$home/parquet/bin/pip" install -q --disable-pip-version-check --only-binary :all: \
            duckdb==2.0.0 pyarrow==26.0.1 pandas==3.1.1 polars==2.1.0 &&
        printf '#!/bin/sh\nexec "%s" "$@"\n' "$home/parquet/bin/python" >"$bin/parquet-python" &&
        chmod +x "$bin/parquet-python"
}

install_chromium() { has chromium || apt chromium; }

# One file of an npm package, at a fixed version and with its hash; npm itself is needed for nothing else.
install_axe() {
    [ -s "$bin/axe.min.js" ] && return
    has npm || apt npm || return 1
    (
        cd "$home" && npm pack --silent axe-core@4.14.1 &&
            echo "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745  axe-core-4.14.1.tgz" | sha256sum -c - &&
            tar -xzf axe-core-4.14.1.tgz -O package/axe.min.js >axe.part && mv axe.part "$bin/axe.min.js" &&
            rm -f axe-core-4.14.1.tgz
    )
}

# Go's own transparency log, as Debian packages its source, in a small program of ours. Its name has the checksum of what
# it was made from, so that a change makes it anew. Go asks no network here.
install_tlog() {
    source="$(dirname "$0")/tlog/main.go"
    program="$bin/tlog-$(sha256sum <"$source" | cut -c 1-12)"
    [ -x "$program" ] && return
    library=/usr/share/gocode
    has go && [ -d "$library/src/golang.org/x/mod/sumdb/tlog" ] || apt golang-go golang-golang-x-mod-dev || return 1
    GO111MODULE=off GOPROXY=off GOFLAGS= GOPATH="$library" GOCACHE="$home/go-cache" go build -o "$program" "$source"
}

# What looks at the description of the API, and asks every operation of the running service.
install_schemathesis() {
    has schemathesis && has openapi-spec-validator && return
    has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null || apt python3 python3-venv || return 1
    python3 -m venv "$home/openapi" &&
        "$home/openapi/bin/pip" install -q --disable-pip-version-check schemathesis==4.32.5 openapi-spec-validator==0.9.0 &&
        ln -sf "$home/openapi/bin/schemathesis" "$home/openapi/bin/openapi-spec-validator" "$bin/"
}

install_redocly() {
    has redocly && return
    has npm || apt npm || return 1
    mkdir -p "$home/redocly" &&
        (cd "$home/redocly" && npm install --silent --no-audit --no-fund --ignore-scripts @redocly/cli@2.77.0) &&
        ln -sf "$home/redocly/node_modules/.bin/redocly" "$bin/"
}

missing=0
for tool in ${*:-hledger ledger beancount tackler tlog parquet chromium axe schemathesis redocly}; do
    case "$tool" in
    hledger | ledger | beancount | tackler | tlog | parquet | chromium | axe | schemathesis | redocly) ;;
    *) echo "no oracle is called $tool" >&2 && exit 98 ;;
    esac
    log="$home/$tool.log"
    if "install_$tool" >"$log" 2>&1 </dev/null; then
        rm -f "$log"
    else
        echo "$tool could not be installed; the end of $log:" >&2
        tail -n 3 "$log" >&2
        missing=$((missing + 1))
    fi
done
exit "$missing"
