#!/usr/bin/env bash
# The newest state of every record of a tenant, with nothing but Kafka's own console consumer (4.x) and awk.
#   consumer.sh BROKERS TOPICS        prints lines of integration, stream, key, version and data, with tabs between
# TOPICS is a regular expression, such as 'syncline\.acme\..*'. KAFKA_CONSOLE_CONSUMER says what to call, kafka-console-consumer.sh by
# default; KAFKA_ARGUMENTS are more arguments for it, such as `--command-config client.properties`.
# It reads everything each time: for a look, or for a copy made once an hour. It ends when nothing has come for five seconds.
set -euo pipefail
brokers=${1:?brokers}
topics=${2:?topics, as a regular expression}
# Bytes that no header, no key and no JSON text contains.
between_headers=$'\x01'
before_value=$'\x02'

# `--isolation-level read_committed` is not Java's default, and without it aborted steps would be shown.
# shellcheck disable=SC2086
${KAFKA_CONSOLE_CONSUMER:-kafka-console-consumer.sh} --bootstrap-server "$brokers" --include "$topics" \
  --from-beginning --isolation-level read_committed --timeout-ms 5000 ${KAFKA_ARGUMENTS:-} \
  --formatter-property print.headers=true --formatter-property headers.separator="$between_headers" \
  --formatter-property key.separator="$before_value" |
  LC_ALL=C awk -v headers="$between_headers" -v value="$before_value" '
    # Versions have up to 39 digits, more than a number of awk can hold.
    function newer(a, b,   x, y) {
      if (a == "" || b == "") return 1
      x = a ~ /^-/; y = b ~ /^-/
      if (x != y) return y
      if (length(a) != length(b)) return x ? length(a) < length(b) : length(a) > length(b)
      return x ? a "" <= b "" : a "" >= b ""
    }
    {
      at = index($0, value)
      if (at == 0) next
      delete ce
      count = split(substr($0, 1, at - 1), parts, headers)
      for (i = 1; i <= count; i++) {
        colon = index(parts[i], ":")
        ce[substr(parts[i], 1, colon - 1)] = substr(parts[i], colon + 1)
      }
      if (!("ce_id" in ce)) next
      place = ce["ce_integrationid"] "\t" ce["ce_stream"] "\t" ce["ce_subject"]
      version = ce["ce_entityversion"]
      # The same event again, or an older state than the one we have.
      if (place in id && (id[place] == ce["ce_id"] || !newer(version, versions[place]))) next
      id[place] = ce["ce_id"]; versions[place] = version
      if (ce["ce_op"] == "delete") { gone[place] = 1; data[place] = "" } else { delete gone[place]; data[place] = substr($0, at + 1) }
    }
    END { for (place in id) if (!(place in gone)) print place "\t" versions[place] "\t" data[place] }' | LC_ALL=C sort
