# The stages of tests/run. Sourced, not run.

# Versions of the peers; the survey of what else was tried is in tests/README.md.
ROTEL=0.0.1a15
FHIRCLIENT=4.4.0
FHIRPY=2.3.1
SCHEMATHESIS=4.32.5
PEERS=target/peers

names=() results=() seconds=() budgets=()

# stage NAME BUDGET-SECONDS COMMAND…: runs it, notes how it ended and how long it took.
stage() {
    local name=$1 budget=$2 began=$SECONDS result=ok
    shift 2
    printf '\n== %s\n' "$name"
    "$@" || result=FAILED
    names+=("$name") results+=("$result") seconds+=($((SECONDS - began))) budgets+=("$budget")
    # What follows cannot mean anything when this failed.
    if [ "$result" = FAILED ] && { [ "$name" = install ] || [ "$name" = build ]; }; then
        summary
        exit 1
    fi
}

summary() {
    local failed=0 index
    printf '\n%-16s %-7s %9s %9s\n' stage result seconds budget
    for index in "${!names[@]}"; do
        local over=""
        [ "${seconds[$index]}" -le "${budgets[$index]}" ] || over=" over budget"
        printf '%-16s %-7s %9d %9d%s\n' "${names[$index]}" "${results[$index]}" "${seconds[$index]}" "${budgets[$index]}" "$over"
        [ "${results[$index]}" = ok ] || failed=1
    done
    printf '%-16s %-7s %9d %9d\n' whole "" "$SECONDS" 2400
    return $failed
}

find_suites() {
    export FRONTDESK_SUITES=${FRONTDESK_SUITES:-../shared/suites}
    if [ -d "$FRONTDESK_SUITES" ]; then
        FRONTDESK_SUITES=$(cd "$FRONTDESK_SUITES" && pwd)
    elif [ "${CI:-}" = true ]; then
        echo "FRONTDESK_SUITES: no folder $FRONTDESK_SUITES, and CI=true: the tests that need it will fail" >&2
    else
        printf '\n!!!! SKIPPED: the suites kept outside the project are not at %s\n!!!! set FRONTDESK_SUITES to their folder\n' \
            "$FRONTDESK_SUITES" >&2
    fi
}

install() {
    install_debian && install_npm && install_python
}

# tool:package pairs; a tool that is there is not installed again.
install_debian() {
    local missing=() pair
    for pair in curl:curl nginx:nginx-light h2load:nghttp2-client valgrind:valgrind node:nodejs npm:npm openssl:openssl cc:gcc chromium:chromium; do
        PATH=$PATH:/usr/sbin command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing+=(postgresql)
    python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing: ${missing[*]} (Debian's package names); install them, or run as root where apt-get is" >&2
        return 1
    fi
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

install_npm() {
    mkdir -p "$PEERS"
    if cmp -s tests/peers/package.json "$PEERS/package.json" && [ -d "$PEERS/node_modules/oidc-provider" ]; then
        return 0
    fi
    cp tests/peers/package.json "$PEERS/package.json"
    (cd "$PEERS" && npm install --no-audit --no-fund --ignore-scripts --no-package-lock --loglevel=error) && return 0
    # Half-installed peers would pass for whole ones the next time.
    rm -f "$PEERS/package.json"
    return 1
}

install_python() {
    [ -x "$PEERS/python/bin/python" ] || python3 -m venv "$PEERS/python" || return 1
    [ -n "$(rotel)" ] || "$PEERS/python/bin/pip" install -q --disable-pip-version-check "rotel==$ROTEL"
    "$PEERS/python/bin/python" -c 'import fhirclient, fhirpy, schemathesis' 2>/dev/null ||
        "$PEERS/python/bin/pip" install -q --disable-pip-version-check "fhirclient==$FHIRCLIENT" "fhirpy==$FHIRPY" \
            "schemathesis==$SCHEMATHESIS" || return 1
    [ -n "$(rotel)" ] || { echo "rotel $ROTEL did not install; it needs Python 3.9 to 3.13 on x86-64 or arm64" >&2; return 1; }
}

rotel() {
    find "$PEERS/python" -name rotel-agent -type f 2>/dev/null | head -1
}

# The binary first: end-to-end tests start it as a process. Everything is built and run as one workspace, because a part of it
# alone has other features and is another build.
build() {
    cargo build --locked --workspace --bin frontdesk && run_tests --no-run
}

tests() {
    export FRONTDESK_EXAMPLES=$PWD/$PEERS/node_modules/hl7.fhir.r4.examples
    # R4's core package is on no registry: it lies beside the suites.
    export FRONTDESK_PACKAGES=$PWD/$PEERS/node_modules:$FRONTDESK_SUITES/../packages
    if has_nextest; then
        run_tests -E 'not package(end-to-end) and not test(every_official_example_of_)'
    else
        run_tests --exclude end-to-end -- --skip every_official_example_of_
    fi
}

# The official examples of R4, R4B and R5: at most one in a hundred is refused, and each of these is listed.
examples() {
    export FRONTDESK_EXAMPLES=$PWD/$PEERS/node_modules/hl7.fhir.r4.examples
    if has_nextest; then
        run_tests --no-capture -E 'test(every_official_example_of_)'
    else
        run_tests --exclude end-to-end --test examples -- --nocapture every_official_example_of_
    fi
}

# Each test starts processes of its own on free ports.
end_to_end() {
    export FRONTDESK_PEERS=$PWD/$PEERS
    if has_nextest; then
        run_tests -E 'package(end-to-end)'
    else
        cargo test --locked --no-fail-fast -p end-to-end -- --test-threads=2
    fi
}

has_nextest() {
    cargo nextest --version >/dev/null 2>&1
}

run_tests() {
    if has_nextest; then
        cargo nextest run --locked --workspace "$@"
    else
        cargo test --locked --workspace --no-fail-fast "$@"
    fi
}
