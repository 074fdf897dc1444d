# The sample program in an image of its own. docker-compose.yml runs three members of it.
ARG GO_VERSION=1.26
FROM golang:${GO_VERSION} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/samplefw ./examples/samplefw && mkdir /out/state

# static has certificate authorities and a user "nonroot", and neither a shell nor a package manager.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/samplefw /usr/local/bin/samplefw
COPY --from=build --chown=nonroot:nonroot /out/state /var/lib/samplefw
EXPOSE 8080
ENTRYPOINT ["samplefw"]
