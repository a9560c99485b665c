# The image of Fairlead: one static binary, which brings the certificates of public authorities along.
#
#   docker build -t fairlead:0.1.0-dev --build-arg VERSION="$(hack/version.sh)" \
#     --build-arg REVISION="$(hack/version.sh --revision)" --build-arg CREATED="$(hack/version.sh --created)" .
#
# make image makes the same without Docker: it builds by the same script, and reads the last stage here.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION REVISION CREATED
RUN hack/build.sh /out/fairlead "$TARGETOS/$TARGETARCH"

FROM scratch
ARG VERSION=0.1.0-dev REVISION CREATED
LABEL org.opencontainers.image.title="Fairlead" \
      org.opencontainers.image.description="An ingress controller for WebSockets. No change cuts a socket." \
      org.opencontainers.image.source="https://github.com/fairlead/fairlead" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
COPY --from=build /out/fairlead /fairlead
# Nobody in particular; any other user will do, for nothing is written.
USER 65532:65532
# HTTP, HTTPS, and probes and metrics. A Service maps 80 and 443 to the first two.
EXPOSE 8080 8443 9090
ENTRYPOINT ["/fairlead"]
CMD ["controller"]
