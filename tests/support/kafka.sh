#!/usr/bin/env bash
# A real Apache Kafka broker (KRaft, one node) from Maven artifacts, for tests, on 127.0.0.1 only.
#   kafka.sh start DIR [PORT]   formats DIR once, starts, waits until the port answers; the last line is BOOTSTRAP=127.0.0.1:PORT
#   kafka.sh stop DIR           ends it; kafka.sh kill DIR ends it as a power cut would, and the next start recovers
#   kafka.sh tool DIR NAME ...  runs one of Kafka's own commands, as `tool DIR ConsoleConsumer --topic t ...`
# KAFKA_JOINS is the PORT of a first broker, beside which this one is the second of its cluster.
# KAFKA_MORE is a file with properties that win over ours, KAFKA_FORMAT more arguments of formatting, KAFKA_JVM of the Java machine.
# Needs java (17 or newer) and mvn. KAFKA_LIBS says where the jars are kept, KAFKA_HEAP how much memory it takes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
libs=${KAFKA_LIBS:-${XDG_CACHE_HOME:-$HOME/.cache}/syncline-ci/kafka-libs}
verb=${1:?start, stop, kill or tool}
dir=$(mkdir -p "${2:?a folder}" && cd "$2" && pwd)
jvm=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Djava.net.preferIPv4Stack=true -Dorg.slf4j.simpleLogger.defaultLogLevel=warn)

fetch() {
  compgen -G "$libs/kafka_2.13-*.jar" > /dev/null && return
  echo "fetching the broker's jars with mvn" >&2
  mkdir -p "$libs"
  (cd "$here/kafka" && mvn -q -B -Dlibs="$libs" dependency:copy-dependencies >&2)
}

end() { # signal
  [ -e "$dir/pid" ] || return 0
  local pid; pid=$(cat "$dir/pid")
  kill "-$1" "$pid" 2> /dev/null || return 0
  for _ in $(seq 100); do kill -0 "$pid" 2> /dev/null || return 0; sleep 0.1; done
  kill -KILL "$pid" 2> /dev/null || true
}

start() {
  local port=${1:-19092}
  # Two brokers on one folder would spoil it.
  if [ -e "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2> /dev/null; then
    echo "a broker runs on \`$dir\` already" >&2
    exit 1
  fi
  fetch
  local roles=broker,controller number=1 beginning=--standalone first=$port controller=,CONTROLLER://127.0.0.1:$((port + 1))
  if [ -n "${KAFKA_JOINS:-}" ]; then roles=broker number=2 beginning=--no-initial-controllers first=$KAFKA_JOINS controller=; fi
  cat > "$dir/server.properties" <<P
process.roles=$roles
node.id=$number
controller.quorum.bootstrap.servers=127.0.0.1:$((first + 1))
listeners=PLAINTEXT://127.0.0.1:$port$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port$controller
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$dir/data
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
log.cleaner.backoff.ms=1000
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
P
  if [ -n "${KAFKA_MORE:-}" ]; then cat "$KAFKA_MORE" >> "$dir/server.properties"; fi
  if [ ! -e "$dir/data/meta.properties" ]; then
    # shellcheck disable=SC2086
    java "${jvm[@]}" -cp "$libs/*" kafka.tools.StorageTool format $beginning -t MkU3OEVBNTcwNTJENDM2Qg -c "$dir/server.properties" ${KAFKA_FORMAT:-} > "$dir/format.log" 2>&1 ||
      { cat "$dir/format.log" >&2; exit 1; }
  fi
  # shellcheck disable=SC2086
  nohup java "-Xmx${KAFKA_HEAP:-384m}" "${jvm[@]}" ${KAFKA_JVM:-} -cp "$libs/*" kafka.Kafka "$dir/server.properties" > "$dir/kafka.log" 2>&1 &
  echo $! > "$dir/pid"
  for _ in $(seq 300); do
    if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then echo "BOOTSTRAP=127.0.0.1:$port"; return; fi
    kill -0 "$(cat "$dir/pid")" 2> /dev/null || { tail -40 "$dir/kafka.log" >&2; exit 1; }
    sleep 0.1
  done
  echo "Kafka did not open port $port" >&2
  exit 1
}

case $verb in
  start) start "${3:-}" ;;
  stop) end TERM ;;
  kill) end KILL ;;
  tool) fetch; name=$3; shift 3; exec java "${jvm[@]}" -cp "$libs/*" "org.apache.kafka.tools.$name" "$@" ;;
  *) echo "no verb \`$verb\`: start, stop, kill or tool" >&2; exit 1 ;;
esac
