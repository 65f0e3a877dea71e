#!/usr/bin/env bash
# Feeds the parsers with hostile input under AddressSanitizer and UBSan: fuzz.sh [TARGET [SECONDS]], all targets for 60 s
# each by default. A finding is kept in build/fuzz/findings and fails the script; give it to build/fuzz/bin/fuzz_TARGET.
#   fuzz.sh --coverage [TARGET]   lines of the parsers that the committed corpus reaches
#   fuzz.sh --minimise [TARGET]   the seeds and what earlier runs found, the smallest set with the same reach, as corpus
set -euo pipefail
cd "$(dirname "$0")/.."
command -v clang++ >/dev/null || { echo "fuzz: clang++ with libFuzzer is missing; install: clang llvm" >&2; exit 1; }
all=(yaml recipe jsonl journal lua protocol safetensors gguf shard_index hf_config mathematics lines tokenizer jinja)
mode=fuzz
case "${1:-}" in --coverage | --minimise) mode=${1#--}; shift ;; esac
targets=("${all[@]}")
[ $# -eq 0 ] || targets=("$1")
[[ " ${all[*]} " == *" ${targets[0]} "* ]] || { echo "fuzz: no target '${targets[0]}'; there are: ${all[*]}" >&2; exit 2; }
seconds=${2:-60}

# What each target is there for.
declare -A parsers=(
  [yaml]="recipe/yaml.cpp recipe/yaml_scan.cpp"
  [recipe]="recipe/recipe.cpp recipe/overrides.cpp recipe/interpolation.cpp recipe/paths.cpp recipe/option_reader.cpp
            recipe/plugin_reader.cpp recipe/sections.cpp recipe/steps.cpp recipe/references.cpp recipe/scalars.cpp"
  [jsonl]="formats/jsonl.cpp formats/byte_stream.cpp base/json.cpp tasks/columns.cpp tasks/row.cpp"
  [journal]="record/journal.cpp steps/run_state.cpp"
  [lua]="recipe/expression.cpp recipe/lua_tokens.cpp recipe/lua_scopes.cpp recipe/lua_state.cpp"
  [protocol]="verifiers/protocol.cpp"
  [safetensors]="formats/safetensors.cpp"
  [gguf]="formats/gguf.cpp formats/gguf_model.cpp formats/gguf_names.cpp formats/ggml_dequantise.cpp"
  [shard_index]="formats/shards.cpp"
  [hf_config]="formats/hf_config.cpp formats/hf_config_write.cpp"
  [mathematics]="mathematics/tokens.cpp mathematics/reader.cpp mathematics/formula_reader.cpp mathematics/arithmetic.cpp
                 mathematics/powers.cpp mathematics/equality.cpp mathematics/region.cpp verifiers/final_answer.cpp"
  [lines]="record/lines_read.cpp record/line_scanner.cpp"
  [tokenizer]="tokenizers/read_tokenizer.cpp tokenizers/tokenizer.cpp tokenizers/regex_syntax.cpp tokenizers/json_parts.cpp
               tokenizers/sentencepiece.cpp tokenizers/protobuf.cpp"
  [jinja]="jinja/lexer.cpp jinja/parser.cpp jinja/parser_expressions.cpp jinja/parser_postfix.cpp jinja/scopes.cpp
           jinja/symbols.cpp jinja/interpreter.cpp jinja/evaluation.cpp jinja/loop.cpp jinja/subscript.cpp"
)

preset=fuzz
[ "$mode" != coverage ] || preset=fuzz-coverage
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >&2
cmake --build --preset "$preset" --target "${targets[@]/#/fuzz_}" >&2
build=$PWD/build/$preset
corpus=$PWD/tests/fuzz/corpus
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"  # views and datasets that an input names are looked for here

fuzz() {
  local target=$1
  mkdir -p "$build/found/$target" "$build/findings"
  if ! "$build/bin/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$build/findings/$target-" "$build/found/$target" "$corpus/$target" >"$target.log" 2>&1; then
    tail -n 40 "$target.log" >&2
    echo "fuzz: $target: a finding in build/fuzz/findings" >&2
    return 1
  fi
  awk -v target="$target" '/stat::number_of_executed_units/ {n = $2} /stat::average_exec_per_sec/ {s = $2}
      /stat::peak_rss_mb/ {m = $2} /DONE +cov:/ {c = $4}
      END {printf "fuzz: %s: clean, %d inputs, %d exec/s, %d edges, peak %d MiB\n", target, n, s, c, m}' "$target.log"
}

# llvm-cov reports all files of the program; the parser's are picked here.
coverage() {
  local target=$1
  LLVM_PROFILE_FILE=$work/$target.raw "$build/bin/fuzz_$target" -runs=0 "$corpus/$target" >"$target.log" 2>&1
  llvm-profdata merge -o "$target.data" "$target.raw"
  llvm-cov report "$build/bin/fuzz_$target" -instr-profile="$target.data" |
    awk -v target="$target" -v parsers="${parsers[$target]}" '
      BEGIN { count = split(parsers, names); for (i in names) wanted[names[i]] }
      { name = $1; sub(/^.*src\//, "", name) }
      name in wanted { lines += $8; missed += $9; --count
                       printf "fuzz: %s: %s %s of %d lines\n", target, name, $10, $8 }
      END { if (count != 0 || lines == 0) { print "fuzz: " target ": the report lacks a file of the parser"; exit 1 }
            printf "fuzz: %s: in all %.1f %% of %d lines\n", target, 100 * (lines - missed) / lines, lines }'
}

# Edges count, how often does not: a corpus that fits into the repository.
minimise() {
  local target=$1
  mkdir -p "$build/found/$target" small
  python3 "$OLDPWD/tests/fuzz/make_seeds.py" seeds 2>/dev/null
  "$build/bin/fuzz_$target" -merge=1 -use_counters=0 small "seeds/$target" "$corpus/$target" "$build/found/$target" \
    >"$target.log" 2>&1
  rm -rf "${corpus:?}/$target"
  mkdir -p "$corpus"
  mv small "$corpus/$target"
  echo "fuzz: $target: $(find "$corpus/$target" -type f | wc -l) inputs, $(du -sb "$corpus/$target" | cut -f1) bytes"
}

status=0
for target in "${targets[@]}"; do "$mode" "$target" || status=1; done
exit $status
