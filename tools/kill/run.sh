#!/usr/bin/env bash
# Kills commands with SIGKILL at random moments, starts them again on the same output, and
# compares what is there in the end with the output of a run that nobody killed: byte by
# byte, and without a file too many.
#
#   [SIGNAL=INT] tools/kill/run.sh [KILLS] [COMMAND ...]
#
# With SIGNAL=INT or TERM it interrupts them, and checks also that nothing but one line came
# out (nothing at all in the first moments) and that no temporary file stays behind.
# KILLS (3) are those of each command; commands are prepare, captions (prepare with a
# captioning service, which needs python3), caption (with the same), train and pseudolabel; without
# any all five.
# Built commands are taken from the folder PROGRAMS where it is set, and outputs stay in
# WORK where that is set.
set -euo pipefail
cd "$(dirname "$0")/../.."
kills=${1:-3}; shift || true
[ $# -gt 0 ] || set -- prepare captions caption train pseudolabel
work=${WORK:-$(mktemp -d)} service= signal=${SIGNAL:-KILL}
set -m # without job control bash starts commands with SIGINT ignored
trap '[ -z "$service" ] || kill "$service"; [ -n "${WORK:-}" ] || rm -rf "$work"' EXIT
mkdir -p "$work/temporary"
export TMPDIR=$work/temporary
programs=${PROGRAMS:-$work/programs}
if [ -z "${PROGRAMS:-}" ]; then
  GOEXPERIMENT=${GOEXPERIMENT-simd} GOTOOLCHAIN=auto go build -o "$programs/" ./pipelines/{prepare,pretrain,train,pseudolabel,caption}
fi

# Each makes the output $1.
prepare() { exec "$programs/prepare" -q --scenes=60,24,8,24 --labelled=12 --output="$1"; }
captions() {
  exec "$programs/prepare" -q --scenes=60,24,8,24 --labelled=12 --output="$1" --captions=http --caption_url="http://127.0.0.1:$(cat "$work/port")/v1" --caption_model=stand-in
}
caption() {
  exec "$programs/caption" -q --input="cityscapes:$work/data/minicity/cityscapes" --output="$1" --group_size=16 --sheet=20 --captions=http --caption_url="http://127.0.0.1:$(cat "$work/port")/v1" --caption_model=stand-in
}
train() {
  exec "$programs/train" -q --data="$work/data" --clip="$work/pretrained/clip" --output="$1" --backend=go --vision=all --window=whole \
    --crop=64x32 --batch=1,1,2 --steps=40 --checkpoint_every=5 --evaluate_every=40 --log_every=5 --lr=1e-3 --vision_lr=1e-3
}
pseudolabel() {
  exec "$programs/pseudolabel" -q --input="$work/data" --checkpoint="$work/trained" --window=whole --backend=go --output="$1" --rule=cb-cap
}
# What may differ between two runs: the times in run.json, summaries and events; training
# looks at the weights alone.
same() { # command, wanted, got
  if [ "$1" = train ]; then
    diff -r "$2/checkpoints" "$3/checkpoints" && cmp "$2/best.safetensors" "$3/best.safetensors"
  else
    diff -r --exclude=run.json "$2" "$3"
  fi
}

clean() { # command: an output that nobody killed, and the seconds that it takes
  local start=$EPOCHREALTIME
  ("$1" "$work/$1-clean" >"$work/log" 2>&1) || { cat "$work/log"; exit 1; }
  seconds=$(awk "BEGIN { print $EPOCHREALTIME - $start }")
}

ended() { # exit status: is this how the signal ends a command?
  if [ "$signal" = KILL ]; then [ "$1" -eq 137 ]; return; fi
  [ -z "$(ls "$TMPDIR")" ] || return 1
  if [ -s "$work/log" ]; then
    [ "$1" -eq 130 ] && [ "$(wc -l <"$work/log")" -eq 1 ] && grep -q '^[a-z]*: interrupted; ' "$work/log"
  else
    [ "$1" -eq $((128 + $(kill -l "$signal"))) ] # it did not listen to signals yet
  fi
}

attack() { # command
  local killed=0 finished=0 out=$work/$1-killed
  clean "$1"
  while [ "$killed" -lt "$kills" ]; do
    ("$1" "$out" >"$work/log" 2>&1) & local pid=$!
    sleep "$(awk "BEGIN { print $seconds * $RANDOM / 32768 }")"
    if kill -s "$signal" "$pid" 2>/dev/null; then killed=$((killed + 1)); fi
    local rc=0; wait "$pid" 2>/dev/null || rc=$?
    [ "$rc" -eq 0 ] || ended "$rc" || { cat "$work/log"; ls "$TMPDIR"; echo "$1: exit status $rc after $killed kills"; exit 1; }
    if [ "$rc" -eq 0 ]; then # it was quicker, or had nothing left to do
      same "$1" "$work/$1-clean" "$out" || { echo "$1: other bytes after $killed kills"; exit 1; }
      finished=$((finished + 1)); rm -rf "$out"
    fi
  done
  ("$1" "$out" >"$work/log" 2>&1) || { cat "$work/log"; exit 1; }
  same "$1" "$work/$1-clean" "$out" || { echo "$1: other bytes after $killed kills"; exit 1; }
  echo "$1: sent SIG$signal $killed times, $((finished + 1)) outputs came to their end, all with the bytes of a run of $seconds s that nobody disturbed"
  rm -rf "$out"
}

data() { # what caption, train and pseudolabel read
  [ -e "$work/data" ] || (prepare "$work/data" >"$work/log" 2>&1)
}
prerequisites() { # what train and pseudolabel read
  data
  [ -e "$work/pretrained" ] || "$programs/pretrain" -q --data="$work/data" --output="$work/pretrained" --backend=go --steps=6 --batch=8 --size=64x32 >"$work/log" 2>&1
}

for command in "$@"; do
  case $command in
  captions | caption)
    command -v python3 >/dev/null || { echo "$command: skipped, there is no python3"; continue; }
    [ "$command" = captions ] || data
    [ -n "$service" ] || { python3 tools/kill/service.py "$work/port" & service=$!; }
    until [ -s "$work/port" ]; do sleep 0.1; done ;;
  train) prerequisites ;;
  pseudolabel)
    prerequisites
    [ -e "$work/trained" ] || (train "$work/trained" >"$work/log" 2>&1) ;;
  esac
  attack "$command"
done
