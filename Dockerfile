# The image of Fairlead: one static binary and the certificates of public authorities, nothing else.
#   docker build -t fairlead .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags '-s -w' -o /out/fairlead ./cmd/fairlead

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/fairlead /fairlead
# Nobody in particular; any other user will do, for nothing is written.
USER 65532:65532
# HTTP, HTTPS, and probes and metrics. A Service maps 80 and 443 to the first two.
EXPOSE 8080 8443 9090
ENTRYPOINT ["/fairlead"]
CMD ["controller"]
