# The program `ap`, for a user without a name: docs/install.md.

FROM rust:1-slim-trixie AS build
WORKDIR /src
COPY . .
RUN cargo build --locked --release -p activeprospect-cli --bin ap

FROM debian:trixie-slim
COPY --from=build /src/target/release/ap /usr/local/bin/ap
USER 65532:65532
ENTRYPOINT ["ap"]
