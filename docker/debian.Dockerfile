# Slotway with Debian around it: a shell, certificates, apt-get. For images built on top, and for commands such as
# `sh -c 'slotway --requirepass "$PASSWORD"'`.
#
#   make image image-debian
#   docker run -it slotway:debian sh
#
# SLOTWAY_IMAGE  where the server is taken from.
# DEBIAN_IMAGE   what it is put into.
ARG SLOTWAY_IMAGE=slotway
ARG DEBIAN_IMAGE=debian:bookworm-slim

FROM ${SLOTWAY_IMAGE} AS slotway

FROM ${DEBIAN_IMAGE}
COPY --from=slotway /usr/local/bin/ /usr/local/bin/
COPY --from=slotway /usr/share/licenses/slotway/ /usr/share/licenses/slotway/
COPY docker/entrypoint /usr/local/bin/slotway-entrypoint
RUN echo 'redis:x:999:999:redis:/data:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'redis:x:999:' >> /etc/group \
 && mkdir -p /data && chown 999:0 /data && chmod 775 /data
ENV SLOTWAY_PROTECTED_MODE=no \
    SLOTWAY_RUN_AS_USER=999:999 \
    SLOTWAY_HEALTH_SOCKET=@slotway
WORKDIR /data
VOLUME /data
EXPOSE 6379 16379
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=2s CMD ["slotway", "ping"]
ENTRYPOINT ["slotway-entrypoint"]
CMD ["server"]
