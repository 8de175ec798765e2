# Debian, not Alpine: the Temporal SDK's core and DuckDB are built for glibc.
FROM node:22-bookworm-slim

WORKDIR /tributary
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY . .
RUN node --import tsx scripts/bundle.ts
RUN mkdir -p /data /scratch && chown node:node /data /scratch

USER node
ENTRYPOINT ["node", "cli/tributary.mjs"]
CMD ["worker"]
