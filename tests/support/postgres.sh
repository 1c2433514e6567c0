#!/bin/sh
# Starts and stops a PostgreSQL of its own for the tests, in a folder of its own, on 127.0.0.1.
#
#   postgres.sh start DIR PORT    prints the URL of an empty database
#   postgres.sh stop DIR          stops it; the folder stays
#
# Works as root (the server then runs as the user `postgres`) and as anybody else. Installs nothing.
set -eu

usage() {
    echo "usage: postgres.sh start DIR PORT | stop DIR" >&2
    exit 2
}

# The newest version that is installed: in the path, or where Debian and others put it.
find_programs() {
    for folder in ${PGBIN:-} $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n -r) /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then
            echo "$folder"
            return
        fi
    done
    if command -v initdb >/dev/null && command -v pg_ctl >/dev/null; then
        dirname "$(command -v initdb)"
        return
    fi
    echo "there is no PostgreSQL server here: \`initdb\` and \`pg_ctl\` were not found (install the package \`postgresql\`, or set PGBIN)" >&2
    exit 3
}

# PostgreSQL refuses to run as root.
as_server() {
    if [ "$(id -u)" != 0 ]; then
        "$@"
    elif command -v runuser >/dev/null; then
        runuser -u postgres -- "$@"
    else
        su postgres -s /bin/sh -c 'exec "$0" "$@"' -- "$@"
    fi
}

start() {
    dir=$1
    port=$2
    programs=$(find_programs)
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    if [ "$(id -u)" = 0 ]; then
        chown postgres "$dir"
        if ! as_server test -w "$dir"; then
            echo "the user \`postgres\`, as whom the server runs, cannot reach $dir: one of its parents is closed to others" >&2
            exit 4
        fi
    fi
    cd "$dir"
    if [ ! -f data/PG_VERSION ]; then
        as_server "$programs/initdb" -D "$dir/data" -U syncline -A trust -E UTF8 --no-sync >"/dev/null"
    fi
    # Tests do not survive a power cut, so the server need not either.
    options="-p $port -k $dir -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off -c max_connections=200"
    if ! as_server "$programs/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 -o "$options" start >/dev/null; then
        echo "PostgreSQL did not start; the end of $dir/server.log:" >&2
        tail -n 20 "$dir/server.log" >&2
        exit 1
    fi
    echo "postgres://syncline@127.0.0.1:$port/postgres"
}

stop() {
    programs=$(find_programs)
    dir=$(cd "$1" && pwd)
    cd "$dir"
    as_server "$programs/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null
}

case "${1:-} $#" in
    "start 3") start "$2" "$3" ;;
    "stop 2") stop "$2" ;;
    *) usage ;;
esac
