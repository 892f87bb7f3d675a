# The Slotway image: one static binary in an empty image.
#
#   docker build -t slotway .              everything from source, playground included
#   docker run -p 6379:6379 slotway        a server
#   docker run -p 7000-7005:7000-7005 -p 7080:7080 slotway dev --bind 0.0.0.0
#
# Plain enough for the builder of Docker 17 to 20 as well as for BuildKit: no cache mounts, no heredocs.
#
# RUST_IMAGE   Rust with rustup, Debian below; its version is that of rust-toolchain.toml.
# NODE_IMAGE   only its node and npm are used, to build the playground.
# PLAYGROUND   `build` compiles the playground here; `context` takes the web/dist that is in the build context.
ARG RUST_IMAGE=rust:1.95.0-bookworm
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS node

# Tools only, so that a change of source reuses this layer.
FROM ${RUST_IMAGE} AS tools
ARG PLAYGROUND=build
WORKDIR /src
COPY rust-toolchain.toml ./
COPY wasm/Cargo.toml wasm/
COPY scripts/setup-rust scripts/setup-packages scripts/
RUN scripts/setup-packages musl-gcc && scripts/setup-rust targets
RUN test "$PLAYGROUND" = context || scripts/setup-rust wasm-tools
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm

# The page that the binary serves; left alone when the context brought it.
FROM tools AS playground
ARG PLAYGROUND=build
COPY web/package.json web/package-lock.json web/
RUN test "$PLAYGROUND" = context || npm --prefix web ci --no-audit --no-fund
COPY . .
RUN if [ "$PLAYGROUND" = context ]; then \
      test -f web/dist/index.html || { echo 'PLAYGROUND=context needs web/dist: run "make web" first' >&2; exit 1; }; \
    else \
      rm -rf web/dist && cd web && npm run build:wasm && npm run build; \
    fi

# The binary, and everything else that the final image holds, laid out under /out.
FROM playground AS build
# Addresses that are fixed up at the start take 8 bytes for up to 63 of them, and not 24 each.
ENV CARGO_PROFILE_RELEASE_DEBUG=false \
    CARGO_PROFILE_RELEASE_STRIP=symbols \
    RUSTFLAGS="-C link-arg=-Wl,-z,pack-relative-relocs"
RUN target="$(uname -m)-unknown-linux-musl" \
 && scripts/build-reproducibly --release --package slotway --target "$target" \
 && install -D "target/$target/release/slotway" /out/usr/local/bin/slotway
# The names by which scripts written for Redis and Valkey start a server and send it commands.
RUN for name in redis-server valkey-server redis-cli valkey-cli; do ln -s slotway "/out/usr/local/bin/$name"; done \
 && mkdir -p /out/etc /out/tmp /out/data /out/usr/share/licenses/slotway \
 && chmod 1777 /out/tmp \
 && printf 'root:x:0:0:root:/:/sbin/nologin\nredis:x:999:999:redis:/data:/sbin/nologin\n' > /out/etc/passwd \
 && printf 'root:x:0:\nredis:x:999:\n' > /out/etc/group \
 && cp LICENSE-* /out/usr/share/licenses/slotway/ \
 && chown 999:0 /out/data \
 && chmod 775 /out/data

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Slotway" \
      org.opencontainers.image.description="A Redis-compatible cluster server in one small binary" \
      org.opencontainers.image.source="https://github.com/slotway/slotway" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /out/ /
# As in the Redis image: what may reach a container's port is decided where the port is published. The server starts as root to be
# given /data, whoever owned it on the host, and goes on as user 999; with `--user` it is that user from the start.
ENV PATH=/usr/local/bin \
    SLOTWAY_PROTECTED_MODE=no \
    SLOTWAY_RUN_AS_USER=999:999 \
    SLOTWAY_HEALTH_SOCKET=@slotway
WORKDIR /data
VOLUME /data
# Clients, and the cluster bus 10000 above them.
EXPOSE 6379 16379
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=2s CMD ["slotway", "ping"]
ENTRYPOINT ["slotway"]
CMD ["server"]
