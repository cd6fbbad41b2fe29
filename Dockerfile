# syntax=docker/dockerfile:1
# The one image of this package: the binary with its SmartModules, the map, and nothing else.
#
#   docker build --tag game-analytics:local .

# The dashboard's chart library.
FROM node:22-bookworm-slim AS charts
WORKDIR /charts
COPY dashboard/package.json dashboard/package-lock.json dashboard/
COPY scripts/build-dashboard-assets scripts/
RUN scripts/build-dashboard-assets && test -s target/dashboard-assets/echarts.min.js

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
# The image's own toolchain, whatever components rust-toolchain.toml names for those who develop.
ENV RUSTUP_TOOLCHAIN=1.95.0 CARGO_INCREMENTAL=0 CARGO_PROFILE_RELEASE_STRIP=symbols
RUN rustup target add wasm32-unknown-unknown
COPY . .
COPY --from=charts /charts/target/dashboard-assets target/dashboard-assets
# The cache keeps what was compiled; the layer keeps the result alone.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target/wasm-build \
    --mount=type=cache,target=/src/target/release \
    scripts/build-wasm \
    && cargo build --locked --release --bin game-analytics \
    && install -D target/release/game-analytics /out/usr/local/bin/game-analytics \
    && install -D --mode=0644 dataflow.yaml /out/etc/game-analytics/dataflow.yaml

# The C library and roots of TLS; no shell, no packages, a user without rights.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="game-analytics" \
      org.opencontainers.image.description="Real-time game analytics on Fluvio" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/game-analytics"]
CMD ["--help"]
