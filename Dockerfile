# syntax=docker/dockerfile:1
# docker build --build-arg VERSION=$(git describe --always --dirty) -t inorder .
FROM golang:1.26-alpine3.22 AS build
# The build context has no git history, so the version must be passed in.
ARG VERSION
RUN test -n "${VERSION}" || { echo 'VERSION is not set. Pass --build-arg VERSION=$(git describe --always --dirty), or for compose: VERSION=$(git describe --always --dirty) docker compose up --build' >&2; exit 1; }
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /inorder ./cmd/inorder

FROM alpine:3.22
ARG VERSION
LABEL org.opencontainers.image.title="inorder" org.opencontainers.image.version="${VERSION}"
RUN apk add --no-cache ca-certificates tzdata && adduser -D -H -u 10001 inorder
COPY --from=build /inorder /usr/local/bin/inorder
# A number, so that Kubernetes can verify that the user is not root.
USER 10001:10001
ENTRYPOINT ["inorder"]
CMD ["serve"]
