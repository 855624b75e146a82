# The container of CPU workers in a registry of your own. Dataflow's default container does
# as well; this one is for projects whose workers may not load images from elsewhere, and
# for other runners with --environment_type=DOCKER --environment_config=IMAGE.
#
#   docker build --platform=linux/amd64 -f runners/containers/cpu.Dockerfile -t $IMAGE . && docker push $IMAGE
#   go run ./pipelines/prepare --runner=dataflow --sdk_container_image=$IMAGE ...
#
# The program is not in it: Beam's entry point fetches the one that was staged with the
# job. BEAM has to be the version of github.com/apache/beam/sdks/v2 in go.mod.
ARG BEAM=2.77.0
FROM apache/beam_go_sdk:${BEAM} AS beam

# The base of Beam's own container: certificates, time zones, the C library.
FROM gcr.io/distroless/base-nossl-debian12
COPY --from=beam /opt/apache/beam /opt/apache/beam
ENTRYPOINT ["/opt/apache/beam/boot"]
