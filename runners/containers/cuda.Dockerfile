# The containers with CUDA: of GPU workers on Dataflow, with the program for them (with XLA, which
# the one that the commands build themselves lacks), and of a workstation.
#
#   docker build -f runners/containers/cuda.Dockerfile --target workstation -t semidavil .
#   docker run --rm --gpus=all -v $PWD/out:/out semidavil check --backend=xla:cuda
#
#   docker build --platform=linux/amd64 -f runners/containers/cuda.Dockerfile --target worker --output out/worker .
#   docker build --platform=linux/amd64 -f runners/containers/cuda.Dockerfile -t $IMAGE . && docker push $IMAGE
#   go run ./pipelines/train --runner=dataflow --backend=xla:cuda \
#     --worker_binary=out/worker/worker --sdk_container_image=$IMAGE \
#     --accelerator='type:nvidia-l4;count:1;install-nvidia-driver' ...
#
# One program serves all commands, since each holds all stages. BEAM has to be the
# version in go.mod, GO at least that.
ARG BEAM=2.77.0
ARG GO=1.27.0
FROM apache/beam_go_sdk:${BEAM} AS beam

FROM golang:${GO}-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=1 GOEXPERIMENT=simd go build -trimpath -ldflags='-s -w' -o /out/worker ./pipelines/semidavil

FROM scratch AS worker
COPY --from=build /out/worker /

# The PJRT plug-in for CUDA is a file of JAX's package; its extra names the CUDA libraries
# that it was built for. The driver is the machine's.
FROM python:3.12-slim-bookworm AS plugin
ARG JAX=0.10.0
RUN pip install --no-cache-dir --target /opt/cuda "jax-cuda12-plugin[with-cuda]==${JAX}" \
 && mkdir /opt/pjrt && ln -s /opt/cuda/nvidia /opt/pjrt/nvidia \
 && ln -s /opt/cuda/jax_plugins/xla_cuda12/xla_cuda_plugin.so /opt/pjrt/pjrt_c_api_cuda_plugin.so \
 && find /opt/cuda/nvidia -type d -name lib > /etc/ld.so.conf.d/cuda.conf

FROM debian:bookworm-slim AS cuda
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=plugin /opt/cuda /opt/cuda
COPY --from=plugin /opt/pjrt /opt/pjrt
COPY --from=plugin /etc/ld.so.conf.d/cuda.conf /etc/ld.so.conf.d/cuda.conf
RUN ldconfig
# Where go-xla looks for plug-ins, where Dataflow mounts the driver, and where XLA finds
# ptxas.
ENV PJRT_PLUGIN_LIBRARY_PATH=/opt/pjrt \
    LD_LIBRARY_PATH=/usr/local/nvidia/lib64 \
    XLA_FLAGS=--xla_gpu_cuda_data_dir=/opt/cuda/nvidia/cuda_nvcc

# On a machine of one's own the driver comes from the NVIDIA container toolkit.
FROM cuda AS workstation
COPY --from=build /out/worker /usr/local/bin/semidavil
ENTRYPOINT ["semidavil"]

FROM cuda
COPY --from=beam /opt/apache/beam /opt/apache/beam
ENTRYPOINT ["/opt/apache/beam/boot"]
