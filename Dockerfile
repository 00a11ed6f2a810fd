# The image: one static program, the certificate authorities, and nothing else.
#
#   docker build --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" --tag subaccountd .
#
# The cache mounts make a second build fast. Nothing relies on what they hold: an empty or ignored one is fine.

# The toolchain. Give a digest for a build that another machine repeats: rust:1.95-slim-bookworm@sha256:…
ARG BASE=rust:1.95-slim-bookworm
FROM ${BASE} AS source
WORKDIR /src
# Without rust-toolchain.toml: the toolchain of the base image builds, and nothing is fetched for it.
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY xtask xtask

# The simulated Twilio, for deploy/compose: `--target simulator`. The image of the daemon does not contain it.
FROM source AS build-simulator
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    target="$(rustc --print host-tuple)" \
    && RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked -p twilio-sim --target "$target" \
    && install -D "target/$target/release/twilio-sim" /image/usr/local/bin/twilio-sim

FROM scratch AS simulator
COPY --from=build-simulator /image /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/twilio-sim"]

FROM source AS build
# `unknown` unless given; metrics.rs reads it while compiling. It is set for this step only: the program takes an
# unknown SUBACCOUNTD_… in its environment for a typo and refuses to start.
ARG REVISION=unknown
ARG CREATED=unknown
COPY LICENSE-APACHE LICENSE-MIT THIRD-PARTY-NOTICES.txt /image/usr/share/doc/subaccountd/
# --target keeps crt-static away from build scripts and procedural macros, which cannot be static.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    target="$(rustc --print host-tuple)" \
    && export SUBACCOUNTD_BUILD_REVISION="$REVISION" \
    && export RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=/usr/local/cargo=/cargo" \
    && cargo build --release --locked -p subaccountd --target "$target" \
    && install -D "target/$target/release/subaccountd" /image/usr/local/bin/subaccountd \
    && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
    && install -d -m 0750 -o 65532 -g 65532 /image/var/lib/subaccountd \
    && if [ "$CREATED" != unknown ]; then find /image -exec touch --date="$CREATED" {} +; fi

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
# The address of the repository, and the time of the commit (RFC 3339): the same commit gives the same labels.
ARG SOURCE=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="subaccountd" \
      org.opencontainers.image.description="Keeps the subaccounts of one Twilio main account as a YAML file says" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.url="$SOURCE" \
      org.opencontainers.image.created="$CREATED"
COPY --from=build /image /
# A number, so that Kubernetes can see that it is not root. There is no user database to look a name up in.
USER 65532:65532
# Probes and metrics are for others; the status stays on 127.0.0.1:8081, since it names customers.
ENV SUBACCOUNTD_LISTEN=0.0.0.0:8080 \
    SUBACCOUNTD_JOURNAL_DIR=/var/lib/subaccountd
# The allocator of the C library keeps less: one arena for all threads, and large blocks are given back at once.
ENV MALLOC_ARENA_MAX=1 \
    MALLOC_MMAP_THRESHOLD_=131072
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s --retries=3 \
    CMD ["/usr/local/bin/subaccountd", "probe", "live"]
ENTRYPOINT ["/usr/local/bin/subaccountd"]
CMD ["run"]
