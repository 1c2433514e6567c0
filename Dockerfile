# Builds the image of Syncline, with Kafka: docker build -t syncline .
FROM rust:1.95-bookworm AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends g++ libssl-dev make pkg-config zlib1g-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin syncline --features kafka

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libssl3 zlib1g && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 syncline && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin syncline \
    && install -d -o 10001 -g 10001 /var/lib/syncline
COPY --from=build /src/target/release/syncline /usr/local/bin/syncline
USER 10001:10001
WORKDIR /var/lib/syncline
ENV SYNCLINE_FOLDER=/var/lib/syncline SYNCLINE_API_LISTEN=0.0.0.0:8080 SYNCLINE_TELEMETRY_LOG_FORMAT=json
EXPOSE 8080
# SIGTERM drains: running steps end, and the shards go to the other nodes.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/syncline"]
CMD ["serve"]
