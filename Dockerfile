# Dependencies are fetched and the native relay is built in a stage of their own, so that neither npm's cache nor a compiler comes
# along. The full image has g++, and the same libc as the slim one.
FROM node:26 AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# No package needs its install script: better-sqlite3 brings its binaries along.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY src/native ./src/native
RUN node src/native/build.js && test -e src/native/relay.node

FROM node:26-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src
COPY pools/vendors ./pools/vendors
COPY --from=dependencies /app/src/native/relay.node ./src/native/relay.node
COPY config/container.yaml ./config/container.yaml
# The linked names make "docker exec NAME roundabout client add acme" work as it stands.
RUN ln -s container.yaml config/roundabout.yaml \
 && ln -s /app/src/cli/roundabout.js /usr/local/bin/roundabout \
 && install -d -o node -g node -m 0700 /data /data/pools
USER node
VOLUME /data
EXPOSE 8080 8443 1080
# Over the control socket, whatever the admin listener is bound to.
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s --retries=3 \
  CMD ["node", "/app/src/cli/roundabout.js", "health", "--data", "/data"]
# Node is the first process and gets SIGTERM itself: it drains, then ends with 0.
ENTRYPOINT ["node", "/app/src/cli/roundabout.js", "--config", "/app/config/container.yaml"]
CMD ["start"]
