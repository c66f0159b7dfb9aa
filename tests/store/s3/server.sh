#!/bin/bash
# server.sh versitygw|minio PROGRAM: start the server on this machine's loopback and run PROGRAM against it. 77, saying so, where
# the server is not installed (go install github.com/versity/versitygw/cmd/versitygw@v1.8.0, github.com/minio/minio@latest).
set -u
server=$1 program=$2 bucket=kvstrata-test
PATH=$PATH:$HOME/go/bin
if command -v go >/dev/null; then PATH=$PATH:$(go env GOPATH 2>/dev/null)/bin; fi
if ! command -v "$server" >/dev/null; then
    echo "skipped: $server is not installed"
    exit 77
fi
folder=$(mktemp -d)
pid=
trap '[[ -z $pid ]] || { kill "$pid"; wait "$pid"; }; rm -rf "$folder"' EXIT
export AWS_ACCESS_KEY_ID=kvstrata-key AWS_SECRET_ACCESS_KEY=kvstrata-secret KVSTRATA_S3_BUCKET=$bucket
mkdir -p "$folder/data/$bucket"
for attempt in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 20000))
    case $server in
    versitygw)
        ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY \
            versitygw --port "127.0.0.1:$port" posix "$folder/data" >"$folder/log" 2>&1 &
        ;;
    minio)
        MINIO_ROOT_USER=$AWS_ACCESS_KEY_ID MINIO_ROOT_PASSWORD=$AWS_SECRET_ACCESS_KEY \
            minio server --quiet --address "127.0.0.1:$port" --console-address "127.0.0.1:$((port + 1))" "$folder/data" \
            >"$folder/log" 2>&1 &
        ;;
    esac
    pid=$!
    for _ in $(seq 100); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            sleep 1
            KVSTRATA_S3_ENDPOINT=http://127.0.0.1:$port "$program"
            exit $?
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
done
cat "$folder/log"
exit 1
