#!/usr/bin/env bash
# Runs the pipelines on another Beam engine and on prism, and compares what they write.
#
#   tools/engines/compare.sh flink  [OUTPUT]   a Flink mini-cluster behind Beam's job server
#   tools/engines/compare.sh python [OUTPUT]   the portable runner of Beam's Python SDK
#
# flink needs Java and Beam's job server: FLINK_JOB_SERVER=/path/to.jar, or it is fetched
# with Maven (FLINK_VERSION 2.0, BEAM_VERSION 2.75.0). python needs PYTHON with apache-beam.
# The workers are the commands themselves (LOOPBACK). PARALLELISM (2) is the number of task
# slots that a job takes; PARTS=prepare leaves out the loop. Exit status 77: the engine is not to be had here; why is printed.
set -euo pipefail
cd "$(dirname "$0")/../.."
export GOEXPERIMENT=simd
engine=${1:?flink or python}
out=${2:-$(mktemp -d)}
port=${PORT:-8099}
parallelism=${PARALLELISM:-2}
log=$out/$engine.log
mkdir -p "$out"

skip() { echo "skipped $engine: $*"; exit 77; }

case $engine in
flink)
  flags=(--runner=flink "--parallelism=$parallelism")
  command -v java >/dev/null || skip "there is no java"
  jar=${FLINK_JOB_SERVER:-}
  if [ -z "$jar" ]; then
    name=beam-runners-flink-${FLINK_VERSION:-2.0}-job-server version=${BEAM_VERSION:-2.75.0}
    command -v mvn >/dev/null || skip "there is no mvn to fetch $name, and FLINK_JOB_SERVER is not set"
    timeout "${FETCH_SECONDS:-120}" mvn -q -B dependency:copy "-Dartifact=org.apache.beam:$name:$version" "-DoutputDirectory=$out/jar" >"$out/mvn.log" 2>&1 ||
      skip "Maven does not give $name $version ($(grep -m1 -o 'Could not find.*\|Unable to find.*\|Could not resolve.*' "$out/mvn.log" | cut -c1-120 || echo "see $out/mvn.log"))"
    jar=$out/jar/$name-$version.jar
  fi
  server=(java -jar "$jar" --flink-master='[local]' "--job-port=$port" --artifact-port=0 --expansion-port=0 "--artifacts-dir=$out/artifacts")
  ;;
python)
  flags=(--runner=universal)
  python=${PYTHON:-python3}
  "$python" -c 'import apache_beam' 2>/dev/null || skip "$python has no apache-beam (PYTHON=... names another)"
  server=("$python" -m apache_beam.runners.portability.local_job_service_main --port "$port")
  ;;
*) echo "unknown engine $engine; valid: flink, python" >&2; exit 2 ;;
esac

for command in prepare demo; do go build -o "$out/$command" "./pipelines/$command"; done
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
if listens; then echo "$engine: port $port is taken (PORT=... names another)"; exit 1; fi
"${server[@]}" >"$log" 2>&1 & pid=$!
trap 'kill $pid 2>/dev/null || true; wait $pid 2>/dev/null || true' EXIT
for _ in $(seq 120); do
  listens && break
  kill -0 $pid 2>/dev/null || { tail -20 "$log"; echo "$engine: the job server ended"; exit 1; }
  sleep 0.5
done
listens || { tail -20 "$log"; echo "$engine: the job server does not listen at port $port"; exit 1; }
flags+=("--endpoint=127.0.0.1:$port" --environment_type=LOOPBACK)

# Shards: all files but run.json, which holds times.
scenes=(-q --scenes=60,40,10,20 --shard_samples=16)
rm -rf "$out"/{prepare,loop}-*
"$out/prepare" "${scenes[@]}" --output="$out/prepare-prism" >/dev/null
"$out/prepare" "${scenes[@]}" "${flags[@]}" --output="$out/prepare-$engine" >/dev/null
diff -r --exclude=run.json "$out/prepare-prism" "$out/prepare-$engine"
echo "$engine: $(find "$out/prepare-$engine/shards" -name '*.tar' | wc -l) shards and all else of prepare: the bytes of prism"

[ "${PARTS:-prepare loop}" != prepare ] || exit 0
# The whole loop, in little: weights, pseudo-labels, scores. What is left out holds times.
little=(-q --steps=3 --pretrain_steps=2 --cards=2 --backend=go)
"$out/demo" "${little[@]}" --output="$out/loop-prism" >/dev/null
"$out/demo" "${little[@]}" "${flags[@]}" --output="$out/loop-$engine" >/dev/null
diff -r --exclude={run.json,events,metrics.jsonl,summary.json,ablation.json,predictions,report.html} "$out/loop-prism" "$out/loop-$engine"
echo "$engine: $(find "$out/loop-$engine" -name '*.safetensors' | wc -l) files of weights, $(find "$out/loop-$engine/pseudolabel/labels" -name '*.png' | wc -l) labels, scores: the bytes of prism"
