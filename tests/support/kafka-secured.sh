#!/usr/bin/env bash
# A real Apache Kafka broker that lets nobody do what no ACL allows, for tests, on 127.0.0.1 only.
#   kafka-secured.sh start DIR PORT USER...   clients come to PORT with TLS and SASL (SCRAM, PLAIN, OAUTHBEARER); whoever comes to PORT+2
#                                             without either may do everything; PORT+1 is the controller's. Prints BOOTSTRAP=127.0.0.1:PORT
#   kafka-secured.sh token DIR SUBJECT        prints a JSON Web Token that the broker believes, for ten minutes
#   kafka-secured.sh stop DIR
# Each USER has the password USER-password. DIR/ca.crt is who signed the broker's certificate, DIR/other.crt somebody else.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
verb=${1:?start, token or stop}
dir=$(mkdir -p "${2:?a folder}" && cd "$2" && pwd)

authority() { # name
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout "$dir/$1.key" -out "$dir/$1.crt" 2> /dev/null
}

certificates() {
  authority ca
  authority other
  openssl req -newkey rsa:2048 -nodes -subj /CN=broker -keyout "$dir/broker.key" -out "$dir/broker.csr" 2> /dev/null
  openssl x509 -req -in "$dir/broker.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial -days 2 -out "$dir/broker.crt" \
    -extfile <(echo 'subjectAltName=IP:127.0.0.1,DNS:localhost') 2> /dev/null
  cat "$dir/broker.key" "$dir/broker.crt" > "$dir/broker.pem"
  # The key of tokens, as brokers want to be told it.
  openssl genrsa -out "$dir/token.key" 2048 2> /dev/null
  python3 - "$(openssl rsa -in "$dir/token.key" -noout -modulus 2> /dev/null)" > "$dir/jwks.json" <<'P'
import base64, json, sys
modulus = bytes.fromhex(sys.argv[1].removeprefix("Modulus=").strip())
number = base64.urlsafe_b64encode(modulus).decode().rstrip("=")
print(json.dumps({"keys": [{"kty": "RSA", "kid": "test", "alg": "RS256", "use": "sig", "n": number, "e": "AQAB"}]}))
P
}

properties() { # port users...
  local port=$1 plain=""; shift
  for user; do plain+=" user_$user=\"$user-password\""; done
  cat <<P
listeners=SASL_SSL://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1)),OPEN://127.0.0.1:$((port + 2))
advertised.listeners=SASL_SSL://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1)),OPEN://127.0.0.1:$((port + 2))
listener.security.protocol.map=CONTROLLER:PLAINTEXT,OPEN:PLAINTEXT,SASL_SSL:SASL_SSL
inter.broker.listener.name=OPEN
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
ssl.keystore.type=PEM
ssl.keystore.location=$dir/broker.pem
listener.name.sasl_ssl.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required$plain;
listener.name.sasl_ssl.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.sasl_ssl.oauthbearer.sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler
sasl.oauthbearer.jwks.endpoint.url=file://$dir/jwks.json
sasl.oauthbearer.expected.audience=kafka
sasl.oauthbearer.expected.issuer=tests
P
}

start() {
  local port=${1:?a port}; shift
  [ -e "$dir/jwks.json" ] || certificates
  properties "$port" "$@" > "$dir/secured.properties"
  local format=""
  for user; do
    for digest in 256 512; do format+=" --add-scram SCRAM-SHA-$digest=[name=$user,password=$user-password]"; done
  done
  local files="-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://$dir/jwks.json -Dorg.apache.kafka.sasl.oauthbearer.allowed.files=$dir/jwks.json"
  KAFKA_MORE="$dir/secured.properties" KAFKA_FORMAT="$format" KAFKA_JVM="$files" "$here/kafka.sh" start "$dir" "$port"
}

token() { # subject
  python3 - "$dir/token.key" "$1" <<'P'
import base64, json, subprocess, sys, time
key, subject = sys.argv[1:]
part = lambda data: base64.urlsafe_b64encode(data).decode().rstrip("=")
now = int(time.time())
claims = {"sub": subject, "aud": "kafka", "iss": "tests", "iat": now - 5, "exp": now + 600}
signed = ".".join(part(json.dumps(text).encode()) for text in ({"alg": "RS256", "kid": "test"}, claims))
signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=signed.encode(), stdout=subprocess.PIPE, check=True).stdout
print(f"{signed}.{part(signature)}")
P
}

case $verb in
  start) shift 2; start "$@" ;;
  token) token "${3:?a subject}" ;;
  stop) "$here/kafka.sh" stop "$dir" ;;
  *) echo "no verb \`$verb\`: start, token or stop" >&2; exit 1 ;;
esac
