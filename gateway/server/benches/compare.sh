# The parts of benches/compare. Sourced, not run.

declare -A samples

build() {
    frontdesk=${FRONTDESK_BINARY:-}
    if [ -z "$frontdesk" ]; then
        cargo build --release --locked -q -p frontdesk --bin frontdesk
        frontdesk=$PWD/target/release/frontdesk
    fi
    sed 's/^{/{"id":"bench",/' "$here/patient.json" >"$work/body.json"
    # nginx serves as another user.
    chmod 711 "$work"
    mkdir -p "$work/static/fhir/Patient"
    sed 's/^{/{"id":"bench","meta":{"versionId":"1","lastUpdated":"2024-01-01T00:00:00Z"},/' "$here/patient.json" \
        >"$work/static/fhir/Patient/bench"
    cat >"$work/static/fhir/metadata" <<'JSON'
{"resourceType":"CapabilityStatement","status":"active","date":"2024-01-01","kind":"instance","fhirVersion":"4.0.1","format":["json"],"rest":[{"mode":"server","resource":[{"type":"Patient","interaction":[{"code":"read"},{"code":"create"}],"versioning":"versioned"}]}]}
JSON
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# nginx NAME PORT SERVER-BLOCK MORE: starts an nginx with one worker; sets started to the worker's pid.
nginx_with() {
    local name=$1 port=$2 server=$3 more=${4:-}
    mkdir -p "$work/$name"
    cat >"$work/$name/nginx.conf" <<CONF
worker_processes 1;
daemon off;
pid $work/$name/nginx.pid;
error_log $work/$name/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path $work/$name/body; proxy_temp_path $work/$name/proxy;
    fastcgi_temp_path $work/$name/f; uwsgi_temp_path $work/$name/u; scgi_temp_path $work/$name/s;
    default_type application/fhir+json;
    $more
    server { listen 127.0.0.1:$port; $server }
}
CONF
    nginx -c "$work/$name/nginx.conf" -p "$work/$name" 2>/dev/null &
    pids+=($!)
    wait_for "http://127.0.0.1:$port/fhir/metadata"
    started=$(pgrep -P "${pids[-1]}" | head -1)
}

start_back_end() {
    back_port=$(free_port)
    nginx_with back "$back_port" "
        root $work/static;
        location = /fhir/Patient {
            add_header Location http://127.0.0.1:$back_port/fhir/Patient/bench/_history/1 always;
            add_header ETag 'W/\"1\"' always;
            return 201 '$(tr -d "\n'" <"$work/static/fhir/Patient/bench" | sed 's/\$/_/g')';
        }"
}

start_nginx() {
    nginx_port=$(free_port)
    nginx_with proxy "$nginx_port" "
        location / {
            proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection '';
        }" "upstream back { server 127.0.0.1:$back_port; keepalive 64; keepalive_requests 1000000; }"
    nginx_pid=$started
}

rest_sections() {
    printf '[adapters.ehr]\nkind = "fhir-rest"\nbase = "http://127.0.0.1:%s/fhir"\n[[routes]]\nadapter = "ehr"\ntypes = ["*"]\n' "$back_port"
}

store_sections() {
    printf '[adapters.store]\nkind = "store"\n[[routes]]\nadapter = "store"\ntypes = ["*"]\n'
}

# start_frontdesk NAME SECTIONS: token, scope, rate limit and audit are on; the limits are high, not off.
start_frontdesk() {
    local name=$1 port admin
    port=$(free_port) admin=$(free_port)
    cat >"$work/$name.toml" <<CONF
[gateway]
listen = "127.0.0.1:$port"
admin = "127.0.0.1:$admin"
data = "$work/$name-data"
[rate-limits]
client = { per-second = 1000000, burst = 1000000 }
address = { per-second = 1000000, burst = 1000000 }
token = { per-second = 1000, burst = 1000 }
$2
CONF
    "$frontdesk" client add bench --config "$work/$name.toml" --generate-key "$work/$name.pem" --scope 'system/*.cruds' >/dev/null
    serve "$name" "$port" "$admin"
    printf -v "${name}_port" %s "$port"
    printf -v "${name}_admin" %s "$admin"
}

# serve NAME PORT ADMIN: starts it and waits until it is ready; sets NAME_pid and NAME_token.
serve() {
    "$frontdesk" serve --config "$work/$1.toml" >"$work/$1.log" 2>&1 &
    pids+=($!)
    printf -v "$1_pid" %s "$!"
    wait_for "http://127.0.0.1:$3/ready"
    printf -v "$1_token" %s "$("$frontdesk" token --gateway "http://127.0.0.1:$2" --client bench --key "$work/$1.pem")"
}

wait_for() {
    for _ in $(seq 2000); do
        curl -sf -o /dev/null "$1" && return 0
        sleep 0.005
    done
    echo "no answer from $1" >&2
    return 1
}

seed_store() {
    curl -sf -o /dev/null -X PUT -H "authorization: Bearer $store_token" -H 'content-type: application/fhir+json' \
        --data-binary "@$work/body.json" "http://127.0.0.1:$store_port/fhir/r4/Patient/bench"
}

# User and system time of a process in microseconds; the clock ticks 100 times a second.
cpu() {
    awk '{ print ($14 + $15) * 10000 }' "/proc/$1/stat"
}

# load KIND NAME PID REQUESTS ARGUMENTS…: warms up, loads, and notes the CPU of a request.
load() {
    local kind=$1 name=$2 pid=$3 count=$4 token_name="$2_token" before after
    shift 4
    local arguments=(--h1 -c 16 -t 1)
    [ "$name" = nginx ] || arguments+=(-H "authorization: Bearer ${!token_name}")
    h2load "${arguments[@]}" -n $((count / 10)) "$@" >/dev/null
    before=$(cpu "$pid")
    h2load "${arguments[@]}" -n "$count" "$@" >"$work/load.txt"
    # The last audit group and commits belong to the requests.
    sleep 0.1
    after=$(cpu "$pid")
    grep -q "status codes: $count 2xx" "$work/load.txt" || { cat "$work/load.txt" >&2; exit 1; }
    samples[$name-$kind]+="$(awk -v cpu=$((after - before)) -v count="$count" 'BEGIN { printf "%.1f ", cpu / count }')"
}

read_through() {
    load read "$1" "$2" "$requests" "$3"
}

create_through() {
    load create "$1" "$2" "$4" -d "$here/patient.json" -H 'content-type: application/fhir+json' "$3"
}

median() {
    tr ' ' '\n' <<<"$1" | sed '/^$/d' | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# row TEXT SAMPLES BASE-SAMPLES AIM
row() {
    local value base=""
    value=$(median "$2")
    [ -z "$3" ] || base=$(awk -v a="$value" -v b="$(median "$3")" 'BEGIN { printf "%.2fx nginx", a / b }')
    printf '%-52s %8s us  %-12s %-16s (%s)\n' "$1" "$value" "$base" "$4" "${2% }"
}

report() {
    printf '\nCPU a request, median of %d rounds, %d reads a round\n' "$rounds" "$requests"
    row "read: nginx, bare proxy" "${samples[nginx-read]}" "" ""
    row "read: frontdesk before the same back end" "${samples[rest-read]}" "${samples[nginx-read]}" "aim 1.5x"
    row "read: frontdesk on its store" "${samples[store-read]}" "${samples[nginx-read]}" "aim 1.5x"
    row "create: nginx, bare proxy" "${samples[nginx-create]}" "" ""
    row "create, validated: frontdesk before the back end" "${samples[rest-create]}" "${samples[nginx-create]}" "aim 1.8x"
    row "create, validated, indexed, fsynced: store, 16 clients" "${samples[store-create]}" "" "aim 200 us"
}

# Start to ready on existing data, and memory when idle.
start_and_memory() {
    local began times=()
    for _ in 1 2 3 4 5; do
        kill -TERM "$store_pid"
        wait "$store_pid" || true
        began=$(date +%s%N)
        "$frontdesk" serve --config "$work/store.toml" >>"$work/store.log" 2>&1 &
        pids+=($!)
        store_pid=$!
        wait_for "http://127.0.0.1:$store_admin/ready"
        times+=($((($(date +%s%N) - began) / 1000000)))
    done
    printf 'start to ready on existing data: %s ms (aim 300; probing included)\n' "$(median "${times[*]}")"
    sleep 1
    awk '/VmRSS/ { printf "resident memory, idle: %d MB (aim 100)\n", $2 / 1024 }' "/proc/$store_pid/status"
}

stop_all() {
    for pid in "${pids[@]}"; do
        kill -TERM "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$work"
}
